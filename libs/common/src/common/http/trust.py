"""Whom we trust on TLS: the certificate authorities, read once in a process however many clients it has.

To read them takes tens of milliseconds of a core, which was most of what a client took to be made, and a service makes several at its start.
"""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def authorities() -> ssl.SSLContext:
    """What every client to the outside and to the token-broker verifies by; nothing of the environment changes it."""
    return httpx.create_ssl_context(trust_env=False)
