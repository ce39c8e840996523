"""Where the accounts servers are, told as JSON."""

from __future__ import annotations

from sandbox.simulator import Answer
from sandbox.zoho_accounts.centres import DATA_CENTRES, accounts_base
from sandbox.zoho_accounts.forms import Asked


def serverinfo(asked: Asked) -> Answer:
    """The live list of accounts hosts."""
    locations = {dc: accounts_base(asked.request.base_url, dc) for dc in DATA_CENTRES}
    return Answer.json(200, {"result": "success", "locations": locations})


def openid_configuration(asked: Asked) -> Answer:
    """The discovery document; `/.well-known/oauth-authorization-server` does not exist, as at the vendor."""
    issuer = accounts_base(asked.request.base_url, asked.dc)
    return Answer.json(
        200,
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/v2/auth",
            "token_endpoint": f"{issuer}/oauth/v2/token",
            "revocation_endpoint": f"{issuer}/oauth/v2/token/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
        },
    )
