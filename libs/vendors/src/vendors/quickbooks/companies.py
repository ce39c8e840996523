"""Where QuickBooks is (sheet, sections 1 and 2): a host for consents, one for tokens, and one for the API of each environment.

A grant's site names its company, because the vendor tells that on the way back of the consent and nowhere else: `9130`, or `sandbox.9130` of the
vendor's own sandbox. What becomes a part of an address is digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

FAMILY = "quickbooks"
MINOR_VERSION = "75"
PRODUCTION, SANDBOX = "production", "sandbox"
ENVIRONMENTS = (PRODUCTION, SANDBOX)

CONSENT = "https://appcenter.intuit.com/connect/oauth2"
TOKENS = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
REVOCATION = "https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
API_HOSTS = {PRODUCTION: "quickbooks.api.intuit.com", SANDBOX: "sandbox-quickbooks.api.intuit.com"}
_PAGES = {PRODUCTION: "https://app.qbo.intuit.com", SANDBOX: "https://app.sandbox.qbo.intuit.com"}
_REALM = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class QboCompany:
    """One company: its number at the vendor, and whether it is one of the vendor's sandbox."""

    realm: str
    environment: str = PRODUCTION

    @property
    def site(self) -> str:
        return self.realm if self.environment == PRODUCTION else f"{self.environment}.{self.realm}"


def is_realm(text: str) -> bool:
    """Whether this can be a company's number."""
    return _REALM.fullmatch(text) is not None


def environment_of(site: str) -> str | None:
    """The environment that a site is in; a person names nothing else of it. None where it is no site at all."""
    if site in ("", *ENVIRONMENTS):
        return site or PRODUCTION
    found = company_of(site)
    return found.environment if found is not None else None


def company_of(site: str) -> QboCompany | None:
    """The company that a grant's site names; None where it names none."""
    environment, dot, realm = site.rpartition(".")
    if not is_realm(realm) or environment not in ("", SANDBOX) or (dot and not environment):
        return None
    return QboCompany(realm, environment or PRODUCTION)


def api(company: QboCompany, base_url: str = "") -> str:
    """The API of a company; `base_url` is the stand-in's address, empty for the real hosts."""
    return f"{base_url or f'https://{API_HOSTS[company.environment]}'}/v3/company/{company.realm}"


def at(address: str, base_url: str) -> str:
    """One of the vendor's addresses, or the same path at the stand-in."""
    return f"{base_url}{urlsplit(address).path}" if base_url else address


def page(company: QboCompany, customer: str) -> str:
    """Where a person of the company sees a customer."""
    return f"{_PAGES[company.environment]}/app/customerdetail?nameId={customer}"
