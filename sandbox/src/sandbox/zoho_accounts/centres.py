"""The eight data centres the sandbox plays, and where each answers."""

from __future__ import annotations

DATA_CENTRES = ("us", "eu", "in", "au", "jp", "ca", "cn", "sa")

# Started at accounts.zoho.com, an authorisation reaches the users of every data centre but China.
APART = frozenset({"cn"})


def accounts_base(base_url: str, dc: str) -> str:
    """The accounts server of a data centre."""
    return f"{base_url}/zoho/{dc}/accounts"


def api_domain(base_url: str, dc: str) -> str:
    """What the token answer calls `api_domain`."""
    return f"{base_url}/zoho/{dc}/api"


def reachable(dc: str) -> tuple[str, ...]:
    """The data centres whose users may sign in at this accounts server."""
    if dc == "us":
        return tuple(other for other in DATA_CENTRES if other not in APART)
    return (dc,)
