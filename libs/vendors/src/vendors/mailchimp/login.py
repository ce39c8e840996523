"""Where Mailchimp is: one login for all, one data centre per account, named by the key's suffix or by the token's metadata."""

from __future__ import annotations

import re

FAMILY = "mailchimp"
LOGIN = "https://login.mailchimp.com"

# A data centre's name becomes part of a host name: letters and digits, nothing that could leave the vendor's domain.
_DC = re.compile(r"[a-z]{2,3}[0-9]{1,3}")
_KEY = re.compile(r"[0-9a-zA-Z]{20,64}-([a-z]{2,3}[0-9]{1,3})")


def login(base_url: str) -> str:
    """The server of consents and tokens; `base_url` is the stand-in's address, empty for the real one."""
    return f"{base_url}/login" if base_url else LOGIN


def api(dc: str, base_url: str) -> str:
    """The API of a data centre."""
    if not is_dc(dc):
        raise ValueError(f"{dc[:20]!r} is not a data centre of Mailchimp")
    return f"{base_url}/{dc}/3.0" if base_url else f"https://{dc}.api.mailchimp.com/3.0"


def is_dc(text: str) -> bool:
    """Whether this can be the name of a data centre."""
    return _DC.fullmatch(text) is not None


def dc_of_key(key: str) -> str | None:
    """The data centre an API key names after its hyphen, None when this is no key."""
    found = _KEY.fullmatch(key)
    return found.group(1) if found else None
