"""The vendors this broker lets in, with our registration at each; the only place where vendors and settings meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from common.secret import Secret
from token_broker.refusals import unknown_vendor
from vendors.grant import ApiKey, App, Grant, OAuth, OwnSite


class Registry:
    """Grants by vendor, registrations by family."""

    def __init__(self, grants: Mapping[str, Grant], titles: Mapping[str, str], apps: Mapping[str, App]) -> None:
        self._grants = grants
        self._titles = titles
        self._apps = apps

    @property
    def vendors(self) -> Sequence[str]:
        return tuple(self._grants)

    def title(self, vendor: str) -> str:
        return self._titles.get(vendor, vendor)

    def family(self, vendor: str) -> str:
        return self._grant(vendor).family

    def relatives(self, vendor: str) -> Sequence[str]:
        """The vendors that share this one's accounts server, itself included."""
        family = self.family(vendor)
        return [name for name, grant in self._grants.items() if grant.family == family]

    def oauth(self, vendor: str) -> OAuth | None:
        return self._grant(vendor).oauth

    def own_site(self, vendor: str) -> OwnSite | None:
        return self._grant(vendor).own_site

    def hook_secrets(self, vendor: str, site: str) -> Sequence[Secret]:
        """Our application's secrets as they sign a site's webhooks; none where each webhook has one of its own."""
        grant = self._grants.get(vendor)
        if grant is None or grant.hook_secret is None or not site:
            return ()
        app = self.app(vendor)
        found = [app.secrets.get(site) or app.secrets.get(""), app.former]
        return [grant.hook_secret(site, one) for one in found if one]

    def pasted_hook_secrets(self, vendor: str, key: Secret) -> Sequence[Secret]:
        """The same, of the application whose key was pasted."""
        grant = self._grants.get(vendor)
        found = grant.pasted_hook_secret(key) if grant is not None and grant.pasted_hook_secret is not None else None
        return [found] if found is not None else ()

    def signs_hooks(self, vendor: str) -> bool:
        """Whether this vendor's webhooks are signed with the application's secret."""
        grant = self._grants.get(vendor)
        return grant is not None and grant.hook_secret is not None

    def api_key(self, vendor: str) -> ApiKey | None:
        return self._grant(vendor).api_key

    def app(self, vendor: str) -> App:
        """Our registration, complete or not: what is missing is said where it is needed."""
        family = self.family(vendor)
        return self._apps.get(family) or App(family, "")

    def has_client(self, vendor: str) -> bool:
        app = self.app(vendor)
        return bool(app.client_id and app.secrets)

    def self_client(self, vendor: str, stored: Secret) -> App:
        """The client of a headless grant: its own, as it was given with the grant, or else ours."""
        found = orjson.loads(stored.reveal())
        app = self.app(vendor)
        if not found.get("client_id"):
            return app
        return replace(app, client_id=found["client_id"], secrets={"": Secret(found["client_secret"])})

    def wanted(self, vendor: str, way: str) -> Grant:
        """The vendor a caller named; a Refusal when there is none."""
        found = self._grants.get(vendor)
        if found is None:
            raise unknown_vendor(vendor, way)
        return found

    def _grant(self, vendor: str) -> Grant:
        found = self._grants.get(vendor)
        if found is None:
            # Its row outlived its folder.
            raise unknown_vendor(vendor, "this version")
        return found


def stored_client(client_id: str, client_secret: Secret) -> Secret:
    """A headless grant's own client as it is kept in the place of a refresh token."""
    return Secret(orjson.dumps({"client_id": client_id, "client_secret": client_secret.reveal()}).decode())
