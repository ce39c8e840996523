"""The sandbox as a client: a webhook is sent, and the status of its answer read, over connections that are kept.

Thousands leave in a burst, each of a few hundred bytes, and what a general client does around each costs several times what a vendor's
simulator does for it. So this is the least that is HTTP/1.1: no redirect is followed, no cookie kept, nothing tried again.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict
from functools import cache, lru_cache
from typing import NamedTuple, cast

import httptools
import httpx

from sandbox.delivery import Delivery

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ILLEGAL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class ConnectError(OSError):
    """Nobody answers there."""


class AnswerError(OSError):
    """The connection ended, or spoke something else, before there was an answer."""


class Address(NamedTuple):
    """Where a request goes; `host` is the header."""

    secure: bool
    name: str
    port: int
    host: str
    target: str

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.secure, self.name, self.port


@lru_cache(maxsize=1024)
def address_of(url: str) -> Address:
    """Raises ValueError for what is no address."""
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL as invalid:
        raise ValueError(f"InvalidURL: {invalid}") from invalid
    if read.scheme not in ("http", "https") or not read.host:
        raise ValueError("an address begins with http:// or https:// and a host")
    if (read.port or 0) > 65_535:
        raise ValueError("a port must be 0-65535")
    secure = read.scheme == "https"
    name = read.raw_host.decode("ascii")
    return Address(
        secure, name, read.port or (443 if secure else 80), read.netloc.decode("ascii"), read.raw_path.decode("ascii")
    )


class Sender:
    """Keeps a connection open for the next request; as many at once as are asked for."""

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[bool, str, int], list[_Connection]] = defaultdict(list)

    async def status_of(self, delivery: Delivery) -> int:
        """The receiver's status; raises OSError, TimeoutError or ValueError where there is none."""
        address = address_of(delivery.url)
        request = written(delivery, address)
        async with asyncio.timeout(delivery.timeout_s):
            connection = self._kept(address)
            if connection is None:
                async with asyncio.timeout(delivery.connect_s):
                    connection = await _connected(address)
            try:
                status = await connection.status_of(request)
            except BaseException:
                connection.close()
                raise
        if connection.is_open:
            self._idle[address.origin].append(connection)
        return status

    def _kept(self, address: Address) -> _Connection | None:
        idle = self._idle[address.origin]
        while idle:
            connection = idle.pop()
            if connection.is_open:
                return connection
        return None

    def close(self) -> None:
        """Ends the connections that nobody uses."""
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()


def written(delivery: Delivery, address: Address) -> bytes:
    """The request's bytes; raises ValueError for a header that cannot be sent."""
    given = {name.lower() for name in delivery.headers}
    lines = [f"{delivery.method} {address.target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"host: {address.host}")
    for name, value in delivery.headers.items():
        if not TOKEN.fullmatch(name) or ILLEGAL.search(value):
            raise ValueError(f"the header {name!r} cannot be sent")
        lines.append(f"{name}: {value}")
    if "content-length" not in given and (delivery.body or delivery.method in WITH_BODY):
        lines.append(f"content-length: {len(delivery.body)}")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii") + delivery.body


async def _connected(address: Address) -> _Connection:
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, address.name, address.port, ssl=trusted() if address.secure else None
        )
    except OSError as away:
        raise ConnectError(str(away)) from away
    return connection


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed; made once, as it takes longer to make than a delivery to send."""
    return httpx.create_ssl_context(trust_env=False)


class _Connection(asyncio.Protocol):
    """One request at a time; the parser calls back what it finds in an answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self._has_end = self._is_headed = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def status_of(self, request: bytes) -> int:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._has_end = self._is_headed = False
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(AnswerError(str(error) or type(error).__name__))

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_headed and not self._has_end and error is None:
            self._end(self._parser.get_status_code())  # its end was the answer's
        self._fail(AnswerError(str(error or "the connection ended without an answer")))

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._has_end = self._has_end or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._is_headed = self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """An answer below 200 announces another one."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._end(status)

    def _end(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def _fail(self, error: OSError) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
