"""Zoho's data centres: the one table from which every Zoho address is taken, whatever an answer or a browser says.

A poisoned host would receive our client secret. No pattern makes these names: Canada lives on zohocloud.ca and zohoapis.ca.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

FAMILY = "zoho"


@dataclass(frozen=True, slots=True)
class Centre:
    """One data centre; an organisation lives in exactly one."""

    dc: str
    title: str
    accounts_host: str
    api_host: str
    campaigns_host: str
    enabled: bool = True
    """Off where nobody could confirm the hosts."""

    def accounts(self, base_url: str = "") -> str:
        """The accounts server; `base_url` is the stand-in's address, empty for the real one."""
        return f"{base_url}/{self.dc}/accounts" if base_url else f"https://{self.accounts_host}"

    def api(self, base_url: str = "") -> str:
        """The server of Books and CRM, which token answers call `api_domain`."""
        return f"{base_url}/{self.dc}/api" if base_url else f"https://{self.api_host}"

    def campaigns(self, base_url: str = "") -> str:
        """The server of Campaigns, which follows from the data centre alone."""
        return f"{base_url}/{self.dc}/campaigns" if base_url else f"https://{self.campaigns_host}"


CENTRES: tuple[Centre, ...] = (
    Centre("us", "United States", "accounts.zoho.com", "www.zohoapis.com", "campaigns.zoho.com"),
    Centre("eu", "Europe", "accounts.zoho.eu", "www.zohoapis.eu", "campaigns.zoho.eu"),
    Centre("in", "India", "accounts.zoho.in", "www.zohoapis.in", "campaigns.zoho.in"),
    Centre("au", "Australia", "accounts.zoho.com.au", "www.zohoapis.com.au", "campaigns.zoho.com.au"),
    Centre("jp", "Japan", "accounts.zoho.jp", "www.zohoapis.jp", "campaigns.zoho.jp"),
    Centre("ca", "Canada", "accounts.zohocloud.ca", "www.zohoapis.ca", "campaigns.zohocloud.ca"),
    Centre("cn", "China", "accounts.zoho.com.cn", "www.zohoapis.com.cn", "campaigns.zoho.com.cn"),
    Centre("sa", "Saudi Arabia", "accounts.zoho.sa", "www.zohoapis.sa", "campaigns.zoho.sa"),
    Centre("uk", "United Kingdom", "accounts.zoho.uk", "www.zohoapis.uk", "campaigns.zoho.uk", enabled=False),
    Centre("ae", "United Arab Emirates", "accounts.zoho.ae", "www.zohoapis.ae", "campaigns.zoho.ae", enabled=False),
)
_BY_NAME = {centre.dc: centre for centre in CENTRES}
SITES = tuple(centre.dc for centre in CENTRES if centre.enabled)
# Anybody but a user of China can start here: the browser is sent on to the data centre of the user.
COMMON_DOOR = "us"


def centre(dc: str) -> Centre | None:
    """The data centre of this name, None when it is unknown or switched off."""
    found = _BY_NAME.get(dc)
    return found if found is not None and found.enabled else None


def by_accounts(address: str, base_url: str = "") -> Centre | None:
    """The data centre whose accounts server this is, as the callback names it in `accounts-server`."""
    return next((c for c in CENTRES if c.enabled and _same(address, c.accounts(base_url))), None)


def by_api(address: str, base_url: str = "") -> Centre | None:
    """The data centre whose API this is, as a token answer names it in `api_domain`; some pages show another host of it."""
    for known in CENTRES:
        also = f"https://api.{known.accounts_host.removeprefix('accounts.')}"
        if known.enabled and (_same(address, known.api(base_url)) or (not base_url and _same(address, also))):
            return known
    return None


def origin(address: str) -> str:
    """`scheme://host[:port]` of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _same(given: str, known: str) -> bool:
    # Compared whole and as text: parsing is where look-alikes (user@host, ports, dots, cases) slip through.
    return given == known or given == known + "/"
