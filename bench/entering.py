"""Customers, entered at once by the operator's token over plain keep-alive connections, at a cost that does not hide what is measured."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

LANES = 16


def address_of(number: int) -> str:
    """Where the customer of this number gets mail."""
    return f"c{number}@burst.example"


async def entered(account: Mapping[str, Any], count: int, *, a_second: float = math.inf, first: int = 0) -> None:
    """Returns when the vendor has taken all of them: as fast as it can, or evenly so many a second; `first` is the number of the first."""
    numbers, began = iter(enumerate(range(first, first + count))), time.monotonic()
    await asyncio.gather(*(_lane(account, numbers, began, a_second) for _ in range(LANES)))


async def _lane(account: Mapping[str, Any], numbers: Iterable[tuple[int, int]], began: float, a_second: float) -> None:
    where = urlsplit(account["base_url"])
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = (
        f"POST {where.path}/contacts?organization_id={account['organization_id']} HTTP/1.1\r\nhost: {where.netloc}\r\n"
        f"authorization: Zoho-oauthtoken {account['operator_token']}\r\ncontent-type: application/json\r\n"
    )
    try:
        for position, number in numbers:
            await asyncio.sleep(max(0.0, began + position / a_second - time.monotonic()))
            body = json.dumps(_customer(number)).encode()
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            await _taken(reader)
    finally:
        writer.close()


async def _taken(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
    if head.split()[1] != "201":
        raise AssertionError(f"the vendor took no customer: {head}{body[:300]!r}")


def _customer(number: int) -> dict[str, Any]:
    person = {
        "first_name": "Ida", "last_name": f"Alder {number}", "email": address_of(number), "is_primary_contact": True,
    }  # fmt: skip
    return {"contact_name": f"Burst {number}", "company_name": "Alder & Co", "contact_persons": [person]}
