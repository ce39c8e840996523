"""Tries a token and tells which company it opens: the grant's own, which the vendor has named on the way back of the consent."""

from __future__ import annotations

from datetime import timedelta

from common.secret import Secret
from vendors.grant import App, Discovery, GrantCall, GrantReply, NotGranted, Place
from vendors.grant_answers import document, fault, text, unreadable
from vendors.grant_codes import GRANT_REVOKED, TOKEN_THROTTLED
from vendors.quickbooks import companies, errors
from vendors.quickbooks.companies import MINOR_VERSION, QboCompany

_NAMES = ("CompanyName", "LegalName")
_BUSY_FOR = timedelta(seconds=60)


def asked(app: App, company: QboCompany, credential: Secret) -> GrantCall:
    url = f"{companies.api(company, app.base_url)}/companyinfo/{company.realm}?minorversion={MINOR_VERSION}"
    headers = {"authorization": f"Bearer {credential.reveal()}", "accept": "application/json"}
    return GrantCall("GET", url, "/v3/company/{realm}/companyinfo/{realm}", headers=headers)


def read(company: QboCompany, reply: GrantReply) -> Discovery | NotGranted:
    """The one company; whoever may not in is told so once."""
    said = errors.said_of(reply.body)
    if said is not None or reply.status >= 300:
        return _refusal(reply, said.code if said else "", said.words if said else "")
    told = document(reply).get("CompanyInfo")
    if not isinstance(told, dict):
        return unreadable(reply)
    title = next((name for one in _NAMES if (name := text(told, one))), company.realm)
    details = {"realm_id": company.realm, "environment": company.environment, "country": text(told, "Country")}
    return Discovery((Place(company.realm, title, details),), owner=company.realm, site=company.site, details=details)


def _refusal(reply: GrantReply, code: str, words: str) -> NotGranted:
    """3100 and 120 are answers about a company that has let us in no more; the end of a subscription is nothing of the grant's."""
    if code == "3001" or reply.status == 429:
        return NotGranted("wait", TOKEN_THROTTLED.name, "QuickBooks takes no calls for now.", words, _BUSY_FOR)
    if code == "6190":
        return NotGranted("transient", errors.QB_COMPANY_ENDED.name, errors.QB_COMPANY_ENDED.meaning, words)
    if reply.status in (401, 403):
        return NotGranted("dead", GRANT_REVOKED.name, "QuickBooks does not let this token into the company.", words)
    return fault(reply, words) if reply.status >= 500 else unreadable(reply)
