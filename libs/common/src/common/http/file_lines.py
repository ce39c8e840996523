"""A file of lines, read as it comes: it may be larger than memory, whoever reads it may take his time, and no line is without an end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx

from common.clock import monotonic
from common.failures import Bug, Transient
from common.http.door_codes import VENDOR_ANSWER_TOO_LARGE, VENDOR_CONNECTION_LOST, VENDOR_TIMEOUT
from common.http.exchange import NoAnswer, RawAnswer


@dataclass(frozen=True, slots=True)
class LineFile:
    """One that has begun to come: its status and headers are there."""

    head: RawAnswer
    response: httpx.Response
    max_line: int

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """To its end, or a failure in the midst of it: the HTTP library's own words hold the address, which is a permission."""
        rest = b""
        try:
            async for piece in self.response.aiter_raw():
                *whole, rest = (rest + piece).split(b"\n")
                for line in filter(None, whole):
                    yield line
                if len(rest) > self.max_line:
                    raise Bug(VENDOR_ANSWER_TOO_LARGE.name, VENDOR_ANSWER_TOO_LARGE.meaning)
        except httpx.TimeoutException:
            raise Transient(VENDOR_TIMEOUT.name, VENDOR_TIMEOUT.meaning) from None
        except (httpx.TransportError, httpx.StreamError):
            raise Transient(VENDOR_CONNECTION_LOST.name, VENDOR_CONNECTION_LOST.meaning) from None
        finally:
            await self.response.aclose()
        if rest:
            yield rest


async def open_lines(client: httpx.AsyncClient, request: httpx.Request, max_line: int) -> LineFile | NoAnswer:
    """Each wait of it has the client's own end, and there is none for the whole: a file takes as long as whoever reads it."""
    began = monotonic()
    try:
        response = await client.send(request, stream=True)
    except httpx.TimeoutException:
        return NoAnswer("timeout", True, monotonic() - began)
    except httpx.TransportError:
        return NoAnswer("lost", True, monotonic() - began)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if headers.get("content-encoding", "identity") != "identity":
        await response.aclose()
        return NoAnswer("unreadable", True, monotonic() - began, response.status_code)
    return LineFile(RawAnswer(response.status_code, headers, b"", monotonic() - began), response, max_line)
