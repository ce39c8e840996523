"""Free ports on the loopback address, from one range."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from millrace.errors import CommandError

HOST = "127.0.0.1"


@dataclass
class PortRange:
    """Hands out free ports, each at most once; the preferred one first, then the next free one."""

    first: int
    last: int
    handed_out: set[int] = field(default_factory=set)

    def pick(self, preferred: int) -> int:
        for port in self._from(preferred):
            if port not in self.handed_out and is_free(port):
                self.handed_out.add(port)
                return port
        raise CommandError(
            f"No free port between {self.first} and {self.last}.",
            "Stop what uses them, or name another range: MILLRACE_PORT_RANGE=20000-20099.",
        )

    def _from(self, preferred: int) -> Iterator[int]:
        start = preferred if self.first <= preferred <= self.last else self.first
        yield from range(start, self.last + 1)
        yield from range(self.first, start)


def is_free(port: int) -> bool:
    """True when a server could listen there now; connections that are closing do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
