"""Ports for servers that are started later, and perhaps again: whoever asks meanwhile is given others."""

from __future__ import annotations

import socket

# As long as this process lives.
_KEPT: list[socket.socket] = []


def free_port() -> int:
    """A port of the loopback address that nobody is given but who names it.

    The system gives no second one a port that is bound; a socket that does not listen is in nobody's way who reuses addresses, as all
    servers here do. A port that was only looked at is another's before a process has begun that takes a second to begin.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    port: int = kept.getsockname()[1]
    return port
