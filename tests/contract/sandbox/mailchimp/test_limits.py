"""Ten calls at a time for each user, and what is answered to the eleventh."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.sandbox.mailchimp.vendor import Vendor

SLOW = {"vendor": "mailchimp", "kind": "latency", "seconds": 0.4}


async def at_once(vendor: Vendor, many: int, auth: tuple[str, str], refused: int = 0) -> list[httpx.Response]:
    """So many calls of which none is over before so many have been refused, however long the machine takes to make them."""
    limits = httpx.Limits(max_connections=many)
    async with httpx.AsyncClient(auth=auth, verify=False, trust_env=False, limits=limits, timeout=60) as client:
        calls = [asyncio.create_task(client.get(f"{vendor.api}/ping")) for _ in range(many)]
        for some in itertools.islice(asyncio.as_completed(calls), refused):
            assert (await some).status_code != 200
        if refused:
            await client.delete(f"{vendor.sandbox.base_url}/_sandbox/faults?go=1")
        return list(await asyncio.gather(*calls))


@pytest.fixture
def slow(vendor: Vendor) -> Iterator[Vendor]:
    """Its calls take as long as the test wants them to."""
    vendor.sandbox.post("faults", SLOW | {"seconds": 600})
    yield vendor
    vendor.sandbox.delete("faults?go=1")


class TestConnections:
    async def test_the_eleventh_at_a_time_is_refused(self, slow: Vendor) -> None:
        answers = await at_once(slow, 14, ("x", slow.key), refused=4)
        assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 4}
        [detail] = {answer.json()["detail"] for answer in answers if answer.status_code == 429}
        assert detail == "You have exceeded the limit of 10 simultaneous connections."

    async def test_no_answer_says_when_to_come_back(self, slow: Vendor) -> None:
        answers = await at_once(slow, 11, ("x", slow.key), refused=1)
        for answer in answers:
            names = " ".join(answer.headers).lower()
            assert "retry-after" not in names
            assert "ratelimit" not in names.replace("-", "")

    async def test_ten_are_exactly_allowed(self, vendor: Vendor) -> None:
        vendor.sandbox.post("faults", SLOW)
        for _ in range(2):
            answers = await at_once(vendor, 10, ("x", vendor.key))
            assert {answer.status_code for answer in answers} == {200}

    async def test_the_operator_is_neither_limited_nor_counted(self, vendor: Vendor) -> None:
        vendor.sandbox.post("faults", SLOW | {"operator": True})
        answers = await at_once(vendor, 20, ("x", vendor.operator))
        assert {answer.status_code for answer in answers} == {200}
        assert not [row for row in counts(vendor) if row["vendor"] == "mailchimp"]

    async def test_a_storm_of_refusals_is_answered_without_a_body(self, slow: Vendor) -> None:
        slow.switch(empty_after_refusals=5, connections=1)
        answers = await at_once(slow, 30, ("x", slow.key), refused=29)
        refused = [answer for answer in answers if answer.status_code != 200]
        empty = [answer for answer in refused if not answer.content]
        assert len(refused) == 29
        assert len(empty) == 24
        assert {answer.status_code for answer in empty} == {403, 429}

    async def test_each_429_is_in_the_counts(self, slow: Vendor) -> None:
        await at_once(slow, 13, ("x", slow.key), refused=3)
        [row] = [row for row in counts(slow) if row["vendor"] == "mailchimp"]
        assert (row["route"], row["calls"], row["429s"]) == ("GET /ping", 13, 3)

    def test_a_call_given_up_keeps_its_place(self, slow: Vendor) -> None:
        slow.switch(connections=1)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(
                f"{slow.api}/ping",
                auth=("x", slow.key),
                trust_env=False,
                verify=False,
                timeout=httpx.Timeout(60, read=1),
            )
        assert slow.call("GET", "/ping").status_code == 429


def counts(vendor: Vendor) -> list[dict[str, object]]:
    rows = vendor.sandbox.get("counts")["counts"]
    assert isinstance(rows, list)
    return rows
