"""Changes by the vendor's asynchronous operations, against its simulator: handed in, found again, told row by row, called off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.failures import Failure, FailureClass
from tests.contract.sandbox.mailchimp.vendor import until
from tests.contract.vendors.mailchimp.account import Audience, opened
from tests.support.sandbox import SandboxProcess
from vendors.acts import Act, Answered, Done, Sending
from vendors.mailchimp.memory import STANDING
from vendors.mailchimp.operations import Operations

NAME = "5f0c"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAULT = '{"type":"t","title":"Internal Server Error","status":500,"detail":"An error has occurred."}'


@pytest.fixture
async def audience(sandbox: SandboxProcess) -> AsyncIterator[Audience]:
    sandbox.post("reset")
    async with opened(sandbox) as found:
        yield found


def change(email: str, **values: Any) -> Act:
    return Act("update", email, {f"merge.{name}": value for name, value in values.items()})


async def handed_in(audience: Audience, *acts: Act, name: str = NAME) -> str:
    return await Operations().hand_in(audience.place, name, acts, audience.api, Sending())


async def told(audience: Audience, handle: str, *acts: Act, name: str = NAME) -> Answered:
    audience.sandbox.post("clock", {"advance_s": 3})
    until(lambda: audience.vendor.told("GET", f"/batches/{handle}")["status"] == "finished")
    answered = await Operations().results(audience.place, handle, name, acts, audience.api)
    assert answered is not None
    return answered


def slow(audience: Audience, seconds: float) -> None:
    audience.sandbox.post("limits", {"vendor": "mailchimp", "batch_seconds": seconds})


class TestWhatGoesThisWay:
    def test_only_changes_without_a_status(self) -> None:
        takes = Operations().takes
        assert takes(change("a@ex.org", FNAME="A"))
        assert not takes(Act("update", "a@ex.org", {"merge.FNAME": "A", STANDING: "subscribed"}))
        # They share a synchronous call where that keeps the status.
        assert not takes(Act("update", "a@ex.org", {"merge.FNAME": "A"}, batch="update", most=500))
        assert not any(takes(Act(one, "a@ex.org", {})) for one in ("create", "return", "withdraw", "archive", "give:x"))


class TestOperations:
    async def test_each_has_the_verdict_that_a_single_call_would_have(self, audience: Audience) -> None:
        for email in ("a@ex.org", "b@ex.org", "c@ex.org", "d@ex.org"):
            audience.vendor.add(email)
        audience.vendor.gone("DELETE", audience.vendor.member_path("d@ex.org"))
        audience.sandbox.post("faults", {
            "vendor": "mailchimp", "kind": "half_commit", "route": "BATCH PATCH /lists/*", "contains": "Ghost", "status": 500, "body": FAULT,
        })  # fmt: skip
        audience.sandbox.post("faults", {"vendor": "mailchimp", "kind": "reset_after", "route": "BATCH PATCH /lists/*", "contains": "Silent"})  # fmt: skip
        acts = [
            change("a@ex.org", FNAME="Ana"), change("b@ex.org", FNAME="Ghost"), change("c@ex.org", FNAME="Silent"),
            change("d@ex.org", FNAME="Dora"), change("nobody@ex.org", FNAME="None"),
        ]  # fmt: skip
        answered = await told(audience, await handed_in(audience, *acts), *acts)
        done, ghost, silent, archived, nobody = answered.verdicts
        assert isinstance(done, Done)
        assert (done.became[STANDING], done.stamp is not None) == ("subscribed", True)
        assert isinstance(ghost, Failure) and isinstance(silent, Failure) and isinstance(nobody, Failure)
        assert (ghost.kind, silent.kind, nobody.kind) == (
            FailureClass.UNKNOWN,
            FailureClass.UNKNOWN,
            FailureClass.CONFLICT,
        )
        assert (ghost.complete, silent.code) == (True, "MC_NOT_TOLD")
        # Somebody else archived it: it is changed there, and stays away.
        assert isinstance(archived, Done)
        assert archived.became[STANDING] == "archived"
        names = [
            audience.vendor.member(email)["merge_fields"]["FNAME"] for email in ("a@ex.org", "b@ex.org", "c@ex.org")
        ]  # type: ignore[index]
        assert names == ["Ana", "Ghost", "Silent"]

    async def test_one_under_way_tells_nothing(self, audience: Audience) -> None:
        slow(audience, 600)
        act = change("a@ex.org", FNAME="Ana")
        handle = await handed_in(audience, act)
        assert await Operations().results(audience.place, handle, NAME, [act], audience.api) is None

    async def test_one_that_is_called_off_does_not_run(self, audience: Audience) -> None:
        slow(audience, 600)
        audience.vendor.add("a@ex.org")
        act = change("a@ex.org", FNAME="Ana")
        handle = await handed_in(audience, act)
        for _ in range(2):
            await Operations().call_off(handle, audience.api)
        audience.sandbox.post("clock", {"advance_s": 601})
        with pytest.raises(Failure) as caught:
            await Operations().results(audience.place, handle, NAME, [act], audience.api)
        assert (caught.value.kind, caught.value.vendor_status) == (FailureClass.REJECTED, 404)
        assert audience.vendor.member("a@ex.org")["merge_fields"]["FNAME"] != "Ana"  # type: ignore[index]

    async def test_too_many_pending_are_refused_at_once(self, audience: Audience) -> None:
        audience.sandbox.post("limits", {"vendor": "mailchimp", "batch_seconds": 600, "pending_batches": 1})
        await handed_in(audience, change("a@ex.org", FNAME="Ana"))
        with pytest.raises(Failure) as caught:
            await handed_in(audience, change("a@ex.org", FNAME="Ana"))
        assert (caught.value.kind, caught.value.vendor_status) == (FailureClass.RATE_LIMITED, 429)


class TestFinding:
    async def find(self, audience: Audience, name: str, size: int, since: datetime = LONG_AGO) -> str | None:
        return await Operations().find(name, size, since, audience.api)

    async def test_one_that_has_ended_is_known_by_its_operations(self, audience: Audience) -> None:
        act = change("a@ex.org", FNAME="Ana")
        handles = {name: await handed_in(audience, act, name=name) for name in ("x1", "x2")}
        for name, handle in handles.items():
            await told(audience, handle, act, name=name)
        assert [await self.find(audience, name, 1) for name in ("x1", "x2")] == [handles["x1"], handles["x2"]]
        # None of them has these: nobody else's is taken for ours.
        assert [await self.find(audience, "x", 1), await self.find(audience, "x1", 2)] == ["", ""]
        later = datetime.now(UTC) + timedelta(hours=1)
        assert await self.find(audience, "x1", 1, later) == ""

    async def test_one_under_way_may_be_it(self, audience: Audience) -> None:
        slow(audience, 600)
        handle = await handed_in(audience, change("a@ex.org", FNAME="Ana"))
        assert await self.find(audience, NAME, 1) is None
        audience.sandbox.post("clock", {"advance_s": 601})
        until(lambda: audience.vendor.told("GET", f"/batches/{handle}")["status"] == "finished")
        assert await self.find(audience, NAME, 1) == handle
