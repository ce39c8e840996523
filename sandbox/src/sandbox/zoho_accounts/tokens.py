"""The token endpoint: a code, a refresh token or a self client's word becomes an access token; revoking ends it."""

from __future__ import annotations

import hmac

from sandbox.simulator import Answer, Applied
from sandbox.zoho_accounts.budgets import access_denied, refused
from sandbox.zoho_accounts.centres import api_domain
from sandbox.zoho_accounts.codes import Codes
from sandbox.zoho_accounts.forms import Asked
from sandbox.zoho_accounts.grants import Grant, ZohoGrants
from sandbox.zoho_accounts.people import Client


class Tokens:
    """What `POST /oauth/v2/token` and its `/revoke` do."""

    def __init__(self, grants: ZohoGrants, codes: Codes) -> None:
        self._grants, self._codes = grants, codes

    def asked(self, asked: Asked) -> Answer:
        client = self._client(asked)
        if isinstance(client, Answer):
            return client
        match asked.one("grant_type"):
            case "authorization_code":
                return self._exchange(asked, client)
            case "refresh_token":
                return self._refresh(asked, client)
            case "client_credentials":
                return self._credentials(asked, client)
        return self._refused("unsupported_grant_type")

    def revoked(self, asked: Asked) -> Answer:
        token = asked.one("token")
        grant = self._grants.by_refresh_token(token)
        if grant is not None and grant.dc != asked.dc:
            return self._refused("invalid_code")
        if not self._grants.revoke(token):
            return self._refused("invalid_code")
        answer = Answer.json(200, {"status": "success"})
        answer.applied = [Applied("grant", str(grant.number if grant else 0), "delete")]
        return answer

    def _client(self, asked: Asked) -> Client | Answer:
        client = self._grants.clients.get(asked.one("client_id"))
        if client is None or not client.enabled_in(asked.dc):
            return self._refused("invalid_client")
        if not hmac.compare_digest(client.secrets[asked.dc].encode(), asked.one("client_secret").encode()):
            return self._refused("invalid_client_secret")
        return client

    def _exchange(self, asked: Asked, client: Client) -> Answer:
        code = self._codes.take(asked.one("code"), asked.dc, client.id, asked.now)
        if code is None:
            return self._refused("invalid_code")
        if code.redirect_uri != asked.one("redirect_uri"):
            return self._refused("invalid_redirect_uri")
        grant = self._grants.grant(code.dc, code.user, client.id, code.scopes, asked.now, offline=code.offline)
        return self._answer(asked, grant, tells_refresh=code.offline)

    def _refresh(self, asked: Asked, client: Client) -> Answer:
        grant = self._grants.by_refresh_token(asked.one("refresh_token"))
        if grant is None or grant.dc != asked.dc or grant.client_id != client.id:
            return self._refused("invalid_code")
        return self._metered(asked, grant)

    def _credentials(self, asked: Asked, client: Client) -> Answer:
        """A self client's token for one organisation, named by `soid=<Service>.<id>`; never a refresh token.

        All tokens of one client for one organisation count as if they came from one refresh token.
        """
        owner = self._grants.organisation(asked.one("soid"), asked.dc)
        if client.kind != "self" or owner is None or not asked.scopes:
            return self._refused("invalid_client")
        organization_id, zuid = owner
        grant = self._grants.own_grant(asked.dc, zuid, client.id, organization_id, asked.scopes, asked.now)
        return self._metered(asked, grant)

    def _metered(self, asked: Asked, grant: Grant) -> Answer:
        if not grant.throttle.take(asked.now):
            if self._grants.numbers.prolongs:
                grant.throttle.count(asked.now)
            return access_denied(self._grants.numbers)
        return self._answer(asked, grant, tells_refresh=False)

    def _answer(self, asked: Asked, grant: Grant, *, tells_refresh: bool) -> Answer:
        access = self._grants.token_of(grant, asked.now)
        told: dict[str, object] = {"access_token": access.token}
        if tells_refresh and grant.refresh_token:
            told["refresh_token"] = grant.refresh_token
        told |= {
            "scope": " ".join(grant.scopes),
            "api_domain": api_domain(asked.request.base_url, asked.dc),
            "token_type": "Bearer",
            "expires_in": self._grants.numbers.token_s,
        }
        answer = Answer.json(200, told)
        answer.applied = [Applied("access_token", f"grant-{grant.number}", "create")]
        return answer

    def _refused(self, error: str) -> Answer:
        return refused(self._grants.numbers, error)
