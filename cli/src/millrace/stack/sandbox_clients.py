"""Our application at the sandbox's vendors: id and secrets as the sandbox has them, kept for the token-broker as a person would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from millrace.errors import CommandError
from millrace.stack.home import Home, write_atomically
from millrace.stack.ports import HOST
from millrace.stack.probes import http_get

FOLDER = "sandbox"


async def remember_clients(home: Home, url: str) -> None:
    """Writes the files that the token-broker is told of; the same ones each time."""
    found = await accounts(url)
    books = [one for one in found if one["vendor"] == "zoho-books"]
    audience = next(one for one in found if one["vendor"] == "mailchimp")
    shop = next(one for one in found if one["vendor"] == "shopify")
    company = next(one for one in found if one["vendor"] == "quickbooks")
    by_dc = {str(one["dc"]): one["client_secret"] for one in books}
    folder = home.secrets / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in {
        "zoho-client-id": books[0]["client_id"],
        "zoho-client-secrets": ",".join(f"{dc}={secret}" for dc, secret in by_dc.items()),
        "mailchimp-client-id": audience["client_id"],
        "mailchimp-client-secret": audience["client_secret"],
        "shopify-client-id": shop["client_id"],
        "shopify-client-secret": shop["client_secret"],
        "quickbooks-client-id": company["client_id"],
        "quickbooks-client-secret": company["client_secret"],
    }.items():
        write_atomically(folder / name, str(text), 0o600)


async def accounts(url: str) -> Sequence[Mapping[str, object]]:
    """The sandbox's accounts, with everything needed to connect them."""
    answer = await http_get(int(url.rpartition(":")[2]), "/_sandbox/accounts")
    if answer is None or answer[0] != 200:
        raise CommandError(f"The sandbox on {HOST} does not tell its accounts.", "Look with `millrace logs sandbox`.")
    found: Sequence[Mapping[str, object]] = json.loads(answer[1])["accounts"]
    return found
