"""What one call of notes sends, and what its answer says of each customer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from common.failures import Conflict, Failure, FailureClass, RateLimited, Unknown
from common.http.call import Call
from tests.contract.vendors.account import Answering
from tests.contract.vendors.hand import Hand
from tests.contract.vendors.quickbooks import account
from tests.contract.vendors.quickbooks.account import CompanyAccount
from tests.support.sandbox import SandboxProcess
from vendors import quickbooks
from vendors.acts import Act, Attempt, Done, Nothing, Sending, key_of_id
from vendors.quickbooks.note_text import ids_in
from vendors.quickbooks.targets import ACTIVITY_NOTE, CUSTOMER_NOTE, TARGETS

NOTES = TARGETS[CUSTOMER_NOTE]
ROW = {"SyncToken": "4", "Notes": "x", "Active": True, "MetaData": {"LastUpdatedTime": "2026-05-04T10:00:00+00:00"}}


def activity(customer: str, *numbers: int) -> dict[str, Any]:
    lines = [{"id": f"e{n}", "at": f"2026-05-04T10:{n:02d}:00Z", "text": "left"} for n in numbers]
    return {"customer_id": customer, "standing": "subscribed", "lines": lines}


def act(customer: str, token: int = 3, text: str = "x") -> Act:
    memory = {"id": customer, "token": token, "shown": {}, "new": [], "head": ""}
    return Act("render", key_of_id(customer), {"notes": text}, batch="render", most=30, memory=memory)


def fault(code: str, *, small: bool = False) -> dict[str, Any]:
    if small:
        return {"fault": {"error": [{"message": "m", "code": code}], "type": "SERVICE"}}
    return {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": code}], "type": "ValidationFault"}}


async def told(items: Mapping[str, Any] | bytes, *acts: Act, sending: Sending | None = None) -> tuple[list[Any], Call]:
    """The verdicts on an answer that is 200, and the call."""
    calls: list[Call] = []

    def answer(call: Call) -> tuple[int, bytes]:
        calls.append(call)
        if isinstance(items, bytes):
            return 200, items
        listed = [{"bId": bid, **item} for bid, item in items.items()]
        return 200, json.dumps({"BatchItemResponse": listed[::-1], "time": "t"}).encode()

    answered = await NOTES.apply("", acts, None, Answering(quickbooks.VENDOR.profile, answer), sending or Sending())
    return list(answered.verdicts), calls[0]


class TestCall:
    async def test_sends_who_which_version_and_the_notes(self) -> None:
        _, call = await told({"1": {"Customer": {**ROW, "Id": "12"}}}, act("12"))
        (item,) = call.json["BatchItemRequest"]
        assert item["Customer"] == {"Id": "12", "SyncToken": "3", "sparse": True, "Notes": "x"}
        assert call.writes

    async def test_is_named_by_what_it_sends_its_versions_included_and_by_its_attempt(self) -> None:
        answer = {"1": {"Customer": {**ROW, "Id": "12"}}}
        names = [
            (await told(answer, one, sending=Sending(attempt=attempt)))[1].query["requestid"]
            for one, attempt in ((act("12"), "a" * 32), (act("12"), "a" * 32), (act("12", 4), "a" * 32), (act("12", text="y"), "a" * 32), (act("12"), "b" * 32))
        ]  # fmt: skip
        assert names[0] == names[1]
        assert len(set(names)) == 4
        assert {len(name) <= 36 for name in names} == {True}

    async def test_has_a_verdict_for_each_customer_whatever_the_order(self) -> None:
        items = {
            "1": {"Customer": {**ROW, "Id": "1"}}, "2": fault("5010"), "3": fault("3001", small=True), "4": fault("610"),
            "5": fault("10000"), "6": fault("6190"), "7": {"Customer": {"Id": "7"}},
        }  # fmt: skip
        verdicts, _ = await told(items, *(act(str(n)) for n in range(1, 9)))
        assert isinstance(verdicts[0], Done)
        assert verdicts[0].became == {"notes": "x", "token": 4, "active": True}
        assert verdicts[0].stamp == datetime(2026, 5, 4, 10, tzinfo=UTC)
        kinds = [one.kind for one in verdicts[1:]]
        assert kinds == [Conflict("", "").kind, RateLimited("", "").kind, FailureClass.CONFLICT, *[FailureClass.UNKNOWN], FailureClass.REJECTED, *[FailureClass.UNKNOWN] * 2]  # fmt: skip
        assert (verdicts[4].complete, verdicts[5].about) == (True, "account")

    @pytest.mark.parametrize(
        "body", [b"<html>", b"[]", b"{}", b'{"BatchItemResponse": 1}', b'{"BatchItemResponse": [1]}']
    )
    async def test_that_is_answered_in_another_form_may_have_been_carried_out(self, body: bytes) -> None:
        with pytest.raises(Failure) as failed:
            await told(body, act("1"))
        assert failed.value.kind is Unknown("", "").kind


@pytest.fixture
async def company(sandbox: SandboxProcess) -> AsyncIterator[CompanyAccount]:
    async with account.opened(sandbox) as opened:
        yield opened


class TestAtTheCompany:
    async def test_a_plan_followed_comes_to_nothing_and_costs_no_call_again(self, company: CompanyAccount) -> None:
        customer, hand = company.create(Notes="tea"), Hand(NOTES, company.place, company.api)
        end, done = await hand.settle(activity(customer, 1, 2))
        assert (end, len(done)) == (Nothing(), 1)
        before = company.calls()
        assert hand.planned(hand.work(activity(customer, 1, 2))) == Nothing()
        assert company.calls() == before
        assert await hand.settle({}, leaves=hand.key(activity(customer))) == (Nothing(), [])

    async def test_an_act_is_recognised_once_it_has_landed_whoever_has_typed_since(self, company: CompanyAccount) -> None:  # fmt: skip
        customer, hand = company.create(Notes="tea"), Hand(NOTES, company.place, company.api)
        step = await hand.step(activity(customer, 1))
        assert isinstance(step, Act)
        attempt = Attempt(step, {}, datetime.now(UTC))
        before = (await NOTES.look(company.place, [step.key], company.api))[step.key]
        assert not isinstance(before, Failure)
        assert NOTES.landed(attempt, before) is None
        await hand.apply(step)
        company.people("type_notes", id=customer, text=" and cake", where="after")
        after = (await NOTES.look(company.place, [step.key], company.api))[step.key]
        assert not isinstance(after, Failure)
        assert NOTES.landed(attempt, after) is not None
        assert ids_in(after.seen["notes"])

    async def test_the_version_of_before_is_refused(self, company: CompanyAccount) -> None:
        customer, hand = company.create(), Hand(NOTES, company.place, company.api)
        step = await hand.step(activity(customer, 1))
        company.people("type_notes", id=customer, text="tea", where="after")
        assert isinstance(step, Act)
        (verdict,) = await hand.apply(step)
        assert isinstance(verdict, Conflict)

    async def test_a_note_of_its_own_is_made_once_however_often_it_is_sent(self, company: CompanyAccount) -> None:
        customer, target = company.create(), TARGETS[ACTIVITY_NOTE]
        hand = Hand(target, company.place, company.api)
        document = {
            "key": f"1-{customer}",
            "customer_id": customer,
            "id": "1",
            "at": "2026-05-04T10:00:00Z",
            "text": "left",
        }
        step = await hand.step(document)
        assert isinstance(step, Act)
        made = [(await hand.apply(step))[0] for _ in range(2)]
        assert all(isinstance(one, Done) for one in made)
        assert len({one.id for one in made if isinstance(one, Done)}) == 1
        looked = (await target.look(company.place, [step.key], company.api))[step.key]
        assert not isinstance(looked, Failure)
        assert looked.exists
