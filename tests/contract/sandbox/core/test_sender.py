"""The sandbox as a client: what it makes of the answers, and of the connections, of whoever listens for webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from sandbox.delivery import Delivery
from sandbox.sender import Sender

EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class Listener:
    """Answers each request with the next of some bytes; None ends the connection."""

    def __init__(self, answers: Iterator[bytes | None]) -> None:
        self._answers = answers
        self.connections = 0
        self.heads: list[bytes] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
                answer = next(self._answers)
                writer.write(answer or b"")
                if answer is None or b"until the end" in answer:
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(*answers: bytes | None) -> AsyncIterator[tuple[Listener, str]]:
    listener = Listener(iter(answers))
    async with await asyncio.start_server(listener.take, "127.0.0.1", 0) as server:
        yield listener, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b"


@contextmanager
def sending() -> Iterator[Sender]:
    sender = Sender()
    try:
        yield sender
    finally:
        sender.close()


def message(url: str, **headers: str) -> Delivery:
    return Delivery("ledger", "demo", "h1", url, "POST", {"X-Of": "ours", **headers}, b"body", timeout_s=20.0)


class TestSender:
    async def test_keeps_its_connection_and_says_where_it_asks(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        async with listening(EMPTY, chunked, EMPTY) as (listener, url):
            with sending() as sender:
                assert [await sender.status_of(message(url)) for _ in range(3)] == [204, 200, 204]
        assert listener.connections == 1
        assert listener.heads[0].startswith(b"POST /hook?a=b HTTP/1.1\r\nhost: 127.0.0.1:")

    @pytest.mark.parametrize(
        "last", [b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"]
    )  # fmt: skip
    async def test_opens_another_one_where_the_last_has_ended(self, last: bytes) -> None:
        async with listening(last, EMPTY) as (listener, url):
            with sending() as sender:
                assert [await sender.status_of(message(url)) for _ in range(2)] == [200, 204]
        assert listener.connections == 2

    async def test_an_announcement_is_no_answer(self) -> None:
        async with listening(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n") as (
            _,
            url,
        ):
            with sending() as sender:
                assert await sender.status_of(message(url)) == 410

    @pytest.mark.parametrize(
        "answer", [None, b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nuntil the end"]
    )
    async def test_what_is_no_whole_answer_is_none(self, answer: bytes | None) -> None:
        async with listening(answer) as (_, url):
            with sending() as sender, pytest.raises(OSError, match=r"\w"):
                await sender.status_of(message(url))

    @pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-C: d"}, {"X A": "b"}, {"X-A": "\u00e4"}])
    async def test_a_header_that_would_be_two_is_not_sent(self, headers: dict[str, str]) -> None:
        async with listening() as (listener, url):
            with sending() as sender, pytest.raises(ValueError, match=r"\w"):
                await sender.status_of(message(url, **headers))
        assert listener.connections == 0
