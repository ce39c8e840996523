"""Tries a Mailchimp credential and tells which account it opens."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from vendors.grant import App, Discovery, GrantReply, NotGranted, Place
from vendors.grant_answers import document, fault, text, unreadable, words
from vendors.grant_codes import GRANT_REVOKED, TOKEN_THROTTLED
from vendors.mailchimp.login import api, is_dc, login

ROOT = "/3.0/"
METADATA = "/oauth2/metadata"
_BUSY_FOR = timedelta(seconds=30)


def origins(app: App, dc: str) -> frozenset[str]:
    """The login, and the data centre as soon as it is known."""
    addresses = [login(app.base_url)] + ([api(dc, app.base_url)] if dc else [])
    return frozenset(f"{urlsplit(address).scheme}://{urlsplit(address).netloc}" for address in addresses)


def read_metadata(reply: GrantReply) -> Discovery | NotGranted:
    """`GET /oauth2/metadata`: the data centre of a token. Its `api_endpoint` is not used: the host follows from the name."""
    found = document(reply)
    dc = text(found, "dc")
    if reply.status == 200 and is_dc(dc):
        return Discovery((), site=dc, details={"dc": dc})
    return _refusal(reply)


def read_root(site: str, reply: GrantReply) -> Discovery | NotGranted:
    """`GET /3.0/`: the account and the login, whose ten connections all its keys and tokens share."""
    found = document(reply)
    account, owner = text(found, "account_id"), text(found, "login_id")
    if reply.status != 200 or not account:
        return _refusal(reply)
    details = {"dc": site, "account_id": account, "login_id": owner}
    title = text(found, "account_name") or account
    return Discovery((Place(account, title, details),), owner=owner, site=site, details=details)


def _refusal(reply: GrantReply) -> NotGranted:
    found = document(reply)
    if reply.status == 401 or (reply.status == 403 and found):
        return NotGranted(
            "dead", GRANT_REVOKED.name, "Mailchimp no longer accepts this credential.", words(found, reply)
        )
    if reply.status in (403, 429):
        # At high volume a 403 comes without a JSON body: that is a throttle and says nothing about the credential.
        return NotGranted(
            "wait", TOKEN_THROTTLED.name, "Mailchimp takes no calls for now.", words(found, reply), _BUSY_FOR
        )
    return fault(reply, words(found, reply)) if reply.status >= 500 else unreadable(reply)
