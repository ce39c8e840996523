"""What is Zoho CRM's own in being written to: versions, verdicts by row, our field and what happens without it, whom a person has entered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.failures import Conflict, Failure, FailureClass, Rejected, Transient
from common.http.call import Call
from tests.contract.vendors.account import Answering
from tests.contract.vendors.hand import Hand
from tests.contract.vendors.zoho_crm.account import CrmTarget, reading_only, written
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.acts import Act, Done, Look, Sending, Skip, Wait, Work, key_of_id
from vendors.catalogue import AskedField
from vendors.target_record import TargetRecord
from vendors.zoho_crm import prices
from vendors.zoho_crm.module_facts import ModuleFacts


@pytest.fixture
async def crm(sandbox: SandboxProcess) -> AsyncIterator[CrmTarget]:
    """Its contacts."""
    async with written(sandbox, "person") as account:
        yield account


@pytest.fixture
def hand(crm: CrmTarget) -> Hand:
    return Hand(crm.target, crm.place, crm.api)


def linked(hand: Hand, id: str, document: dict[str, Any], **more: Any) -> Work:
    """A wish of a pair, which knows its counterpart by the id."""
    key = key_of_id(id)
    return Work("present", document, key, known=dict(hand.known), fresh=frozenset(hand.fresh), **more)


async def planned(hand: Hand, work: Work) -> Act:
    step = hand.planned(work)
    assert isinstance(step, Act), step
    return step


async def ready(crm: CrmTarget, hand: Hand) -> tuple[str, TargetRecord]:
    """One that a look by its link has shown."""
    await hand.settle(crm.document(1))
    found = crm.found("key:B-1")
    assert found is not None
    key = key_of_id(found["id"])
    await hand.look(key)
    return found["id"], hand.known[key]


class TestAVersion:
    async def test_that_is_not_the_newest_any_more_refuses_the_write_and_the_next_plan_has_it(
        self, crm: CrmTarget, hand: Hand
    ) -> None:
        id, _ = await ready(crm, hand)
        act = await planned(hand, linked(hand, id, {"phone": "+91 22 7"}))
        assert act.memory["since"] and not act.batch
        crm.advance(5)
        crm.edited("key:B-1", Mobile="+91 98 77")
        with pytest.raises(Conflict) as caught:
            await hand.target.apply(crm.place, [act], hand.facts, crm.api, Sending())
        assert caught.value.code == "ZC_CHANGED_MEANWHILE"
        assert crm.found("key:B-1")["Phone"] == "+91 98 1"  # type: ignore[index]
        await hand.look(key_of_id(id))
        again = await planned(hand, linked(hand, id, {"phone": "+91 22 7"}))
        assert datetime.fromisoformat(again.memory["since"]) > datetime.fromisoformat(act.memory["since"])
        assert await hand.apply(again)
        row = crm.found("key:B-1")
        assert row is not None and (row["Phone"], row["Mobile"]) == ("+91 22 7", "+91 98 77")

    async def test_of_a_look_is_settled_however_soon_after_the_edit(self, crm: CrmTarget, hand: Hand) -> None:
        _, known = await ready(crm, hand)
        stamp = datetime.fromisoformat(known.memory["version"])
        _, answer = crm.api.answers[-1]
        assert answer.date > stamp

    async def test_of_a_clock_that_is_far_ahead_is_none_to_compare_with(self, crm: CrmTarget) -> None:
        row = {"id": "1005", "Last_Name": "Alder", "Modified_Time": "2099-01-01T00:00:00+00:00"}
        body = json.dumps({"data": [row]}).encode()
        async with asyncio.timeout(10):
            found = await crm.target.look(
                crm.place, ["id:1005"], Answering(zoho_crm.VENDOR.profile, lambda _: (200, body))
            )
        shown = found["id:1005"]
        assert isinstance(shown, TargetRecord) and shown.exists and not shown.memory

    async def test_of_several_is_read_of_each_whom_the_list_does_not_show_yet(self, crm: CrmTarget) -> None:
        ids = crm.crm.add("Contacts", {"Last_Name": "One"}, {"Last_Name": "Two"})
        crm.advance(5)
        row = crm.crm.read("Contacts", ids[0])

        def lagging(call: Call) -> tuple[int, bytes]:
            if call.template == "/Contacts":
                return 200, json.dumps({"data": [row]}).encode()
            there = crm.crm.send("GET", f"/Contacts/{call.path['id']}")
            return there.status_code, there.content

        keys = [*map(key_of_id, ids), "id:999"]
        found = await crm.target.look(crm.place, keys, Answering(zoho_crm.VENDOR.profile, lagging))
        assert [one.exists for one in found.values() if isinstance(one, TargetRecord)] == [True, True, False]

    async def test_that_nobody_knows_is_looked_at_first(self, crm: CrmTarget, hand: Hand) -> None:
        id, known = await ready(crm, hand)
        hand.known[key_of_id(id)] = replace(known, memory={})
        hand.fresh.clear()
        assert hand.planned(linked(hand, id, {"phone": "+91 22 7"})) == Look(key_of_id(id))

    async def test_is_not_compared_where_the_account_does_not_but_it_is_read_a_moment_before(
        self, crm: CrmTarget, hand: Hand
    ) -> None:
        id, _ = await ready(crm, hand)
        blind = frozenset({"writes_blindly"})
        act = await planned(hand, linked(hand, id, {"phone": "+91 22 7"}, capabilities=blind))
        assert "since" not in act.memory
        by_mapping = {"phone": "+91 22 7", "compare": "none"}
        assert await planned(hand, linked(hand, id, by_mapping)) == act
        hand.fresh.clear()
        assert isinstance(hand.planned(linked(hand, id, {"phone": "+91 22 7"}, capabilities=blind)), Look)
        assert isinstance(hand.planned(linked(hand, id, by_mapping)), Look)

    async def test_of_several_rows_keeps_each_that_somebody_has_edited_since(self, crm: CrmTarget, hand: Hand) -> None:
        """A first load: each row has its own verdict, also where all of them are refused."""
        ids = []
        for number in (1, 2, 3):
            await hand.settle(crm.document(number))
            found = crm.found(f"key:B-{number}")
            assert found is not None
            ids.append(found["id"])
        await hand.look(*map(key_of_id, ids))
        acts = [await planned(hand, linked(hand, id, {"phone": "+91 22 7"}, is_live=False)) for id in ids]
        assert {act.batch for act in acts} == {"update"}
        crm.advance(5)
        crm.edited("key:B-2", Mobile="+91 98 77")
        answered = await hand.target.apply(crm.place, acts, hand.facts, crm.api, Sending())
        assert [isinstance(one, Done) for one in answered.verdicts] == [True, False, True]
        assert isinstance(answered.verdicts[1], Conflict)
        again = await hand.target.apply(crm.place, acts, hand.facts, crm.api, Sending())
        assert [type(one) for one in again.verdicts] == [Conflict] * 3


class TestAnUpsert:
    async def test_sent_twice_makes_one_and_its_rows_are_judged_each_for_itself(self, crm: CrmTarget, hand: Hand) -> None:  # fmt: skip
        good = [await hand.step(crm.document(number)) for number in (1, 2)]
        bad = await hand.step({**crm.document(3), "email": "ida at alder"})
        acts = [act for act in (good[0], bad, good[1]) if isinstance(act, Act)]
        before = crm.calls()
        answered = await hand.target.apply(crm.place, acts, hand.facts, crm.api, Sending())
        assert crm.calls() == before + 1
        assert answered.answer.status == 207
        first, second, third = answered.verdicts
        assert isinstance(first, Done) and isinstance(third, Done) and isinstance(second, Rejected)
        # The ghost of the first one: nothing more is there, and it is known by the same id.
        again = await hand.target.apply(crm.place, acts[:1], hand.facts, crm.api, Sending())
        assert [one.id for one in again.verdicts if isinstance(one, Done)] == [first.id]

    async def test_sets_off_no_automation_unless_the_mapping_says_so(self, crm: CrmTarget, hand: Hand) -> None:
        quiet, loud = await hand.step(crm.document(1)), await hand.step({**crm.document(2), "trigger": "workflow"})
        assert isinstance(quiet, Act) and isinstance(loud, Act) and quiet.batch != loud.batch
        for act in (quiet, loud):
            await hand.apply(act)
        sent = [
            call.json["trigger"] for call, _ in crm.api.answers if call.writes and call.template.endswith("/upsert")
        ]
        assert sent == [[], ["workflow"]]
        with pytest.raises(Rejected):
            await hand.step({**crm.document(3), "trigger": "fireworks"})

    async def test_changes_nobody_whom_another_unique_field_means(self, crm: CrmTarget, hand: Hand) -> None:
        crm.crm.make_field("Contacts", "Card", unique={"case_sensitive": False})
        theirs = crm.crm.contact("Other", Card="C-1")
        document = {**crm.document(1), "custom.Card": "C-1"}
        with pytest.raises(Rejected) as told:
            await hand.settle(document)
        assert told.value.code == "ZC_DUPLICATE"
        assert crm.crm.read("Contacts", theirs)["Books_Id"] is None
        made = crm.found("key:B-1")
        assert made is not None and made["id"] != theirs and made["Card"] is None

    async def test_goes_to_whom_a_person_has_entered_with_the_address_a_moment_ago(self, crm: CrmTarget, hand: Hand) -> None:  # fmt: skip
        entered = crm.crm.contact("Entered", Email="IDA1@alder.example", Mobile="+91 1")
        _, acts = await hand.settle(crm.document(1))
        assert [act.action for act in acts] == ["update"]
        found = crm.found("key:B-1")
        assert found is not None and found["id"] == entered and found["Last_Name"] == "Alder 1"

    async def test_of_a_pair_goes_only_to_whom_nobody_can_have_told_of_yet(self, crm: CrmTarget, hand: Hand) -> None:
        """Of all others it was decided before, perhaps by a person, that it is none of them."""
        older = crm.crm.contact("Older", Email="ida1@alder.example")
        crm.advance(601)
        hand.facts = await hand.target.facts(crm.place, crm.api)
        keys = ("key:B-1", "newly:ida1@alder.example")
        await hand.look(*keys)
        act = await planned(hand, replace(hand.work(crm.document(1)), is_paired=True))
        assert act.action == "upsert"
        newer = crm.crm.contact("Newer", Email="ida1@alder.example")
        await hand.look(*keys)
        act = await planned(hand, replace(hand.work(crm.document(1)), is_paired=True))
        assert (act.action, act.memory["id"]) == ("update", newer) and newer != older

    async def test_asks_where_two_have_the_address_and_passes_those_who_are_anothers(self, crm: CrmTarget, hand: Hand) -> None:  # fmt: skip
        crm.crm.contact("Theirs", Email="ida1@alder.example", Books_Id="B-77")
        one = crm.crm.contact("One", Email="ida1@alder.example")
        found = await hand.look("unkeyed:ida1@alder.example")
        shown = found["unkeyed:ida1@alder.example"]
        assert isinstance(shown, TargetRecord) and shown.id == one
        crm.crm.contact("Two", Email="ida1@alder.example")
        for key, many in (("unkeyed:ida1@alder.example", 2), ("ida1@alder.example", 3)):
            refused = (await hand.target.look(crm.place, [key], crm.api))[key]
            assert isinstance(refused, Failure) and refused.code == "ZC_SEVERAL"
            assert len(refused.message.split("They are ")[1].split(",")) == many


class TestARecord:
    async def test_under_another_waits_for_it_and_has_no_last_name_only_at_the_other_system(
        self, crm: CrmTarget, hand: Hand
    ) -> None:
        account = crm.crm.add("Accounts", {"Account_Name": "Alder Works"})[0]
        parent = RecordRef(entity=Entity("customer"), record=RecordId("77"))
        document = {"key": "person:5", "email": "ida@alder.example", "first_name": "Ida", "last_name": None, "customer_id": "77"}  # fmt: skip
        key = "key:person:5"
        await hand.look(key, "unkeyed:ida@alder.example")
        work = Work("present", document, key, known=dict(hand.known), fresh=frozenset(hand.fresh))
        hand.facts = await hand.target.facts(crm.place, crm.api)
        assert hand.planned(work) == Wait(parent)
        act = await planned(hand, replace(work, linked={parent: account}))
        (done,) = await hand.apply(act)
        assert isinstance(done, Done)
        row = crm.crm.read("Contacts", done.id)
        assert (row["Account_Name"]["id"], row["Last_Name"]) == (account, "Ida")

    async def test_that_is_locked_waits_and_one_that_is_gone_is_looked_at(self, crm: CrmTarget, hand: Hand) -> None:
        id, _ = await ready(crm, hand)
        act = await planned(hand, linked(hand, id, {"phone": "+91 22 7"}))
        crm.people("lock", module="Contacts", id=id)
        with pytest.raises(Transient) as locked:
            await hand.target.apply(crm.place, [act], hand.facts, crm.api, Sending())
        assert locked.value.code == "ZC_RECORD_HELD"
        crm.people("unlock", module="Contacts", id=id)
        crm.take_away("key:B-1")
        with pytest.raises(Conflict):
            await hand.target.apply(crm.place, [act], hand.facts, crm.api, Sending())
        await hand.look(key_of_id(id))
        assert isinstance(hand.planned(linked(hand, id, {"phone": "+91 22 7"})), Skip)

    async def test_of_an_account_is_found_by_the_address_of_its_contact(self, sandbox: SandboxProcess) -> None:
        async with written(sandbox, "customer") as crm:
            account = crm.crm.add("Accounts", {"Account_Name": "Alder"})[0]
            crm.crm.contact("Alder", Email="office@alder.example", Account_Name={"id": account})
            hand = Hand(crm.target, crm.place, crm.api)
            document = {"key": "9", "name": "Alder Works", "email": "office@alder.example"}
            _, acts = await hand.settle(document)
            assert [(act.action, set(act.values)) for act in acts] == [("update", {"key", "name"})]
            assert crm.crm.read("Accounts", account)["Books_Id"] == "9"


class TestWhatTheAccountCannotTake:
    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"salutation": "Sir"}, "ZC_CHOICE_UNKNOWN"),
            ({"currency": "XAF"}, "ZC_CHOICE_UNKNOWN"),
            ({"department": "x" * 101}, "ZC_VALUE_TOO_LONG"),
            ({"custom.Nowhere": "x"}, "ZC_FIELD_MISSING"),
        ],
    )
    async def test_is_one_clear_error_and_nothing_is_sent(self, crm: CrmTarget, hand: Hand, values: dict[str, Any], code: str) -> None:  # fmt: skip
        document = {**crm.document(1), **values}
        hand.facts = await hand.target.facts(crm.place, crm.api)
        await hand.look("key:B-1", "unkeyed:ida1@alder.example")
        step = crm.target.plan(hand.work(document), hand.facts)
        refusal = getattr(step, "otherwise", None)
        assert isinstance(refusal, Rejected) and refusal.code == code
        assert crm.found("key:B-1") is None

    async def test_a_field_that_was_taken_away_is_told_and_made_again(self, sandbox: SandboxProcess) -> None:
        async with AsyncExitStack() as opened:
            crm = await opened.enter_async_context(written(sandbox, "customer"))
            bare = replace(crm, entity=Entity("person"))
            with pytest.raises(Rejected) as told:
                await bare.target.look(bare.place, ["key:B-1"], bare.api)
            assert told.value.code == "ZC_FIELD_MISSING"
            catalogue = await bare.target.catalogue(bare.connection, bare.place, bare.api)
            assert catalogue.get("key") is None
            for _ in range(2):
                made = await bare.made(AskedField("key", "text"))
                assert made.catalogue.get("key") and not made.refused
            assert (await bare.target.look(bare.place, ["key:B-1"], bare.api))["key:B-1"] == TargetRecord(exists=False)

    async def test_an_edition_without_fields_says_so_and_goes_by_the_address(self, sandbox: SandboxProcess) -> None:
        async with AsyncExitStack() as opened:
            crm = replace(
                await opened.enter_async_context(written(sandbox, "customer")), entity=Entity("person")
            )  # fmt: skip
            crm.switch(edition="free")
            made = await crm.made(AskedField("key", "text"))
            assert made.refused["key"].code == "ZC_FIELD_REFUSED" and not made.catalogue.get("key")
            hand = Hand(crm.target, crm.place, crm.api)
            document = {"email": "ida@alder.example", "last_name": "Alder"}
            _, acts = await hand.settle(document)
            assert [act.action for act in acts] == ["create"]
            # Its answer was lost: the look finds it, and nobody is made again.
            stranger = Hand(crm.target, crm.place, crm.api)
            await stranger.look("ida@alder.example")
            assert crm.target.landed(hand.sent[0], stranger.known["ida@alder.example"]) is not None
            assert (await stranger.settle(document))[1] == []

    async def test_the_currency_is_left_out_where_there_is_but_one(self, crm: CrmTarget, hand: Hand) -> None:
        facts = await hand.target.facts(crm.place, crm.api)
        assert isinstance(facts, ModuleFacts)
        hand.facts = ModuleFacts({name: one for name, one in facts.fields.items() if name != "Currency"})
        act = await hand.step({**crm.document(1), "currency": "INR"})
        assert isinstance(act, Act) and "currency" not in act.values

    async def test_more_fields_than_the_edition_has_are_one_error_that_names_the_field(
        self, crm: CrmTarget, hand: Hand
    ) -> None:
        crm.switch(edition="standard")
        asked = [AskedField(f"custom.Books_{n}", "text") for n in range(11)]
        made = await crm.target.create_fields(crm.connection, crm.place, asked, crm.api)
        there = [one.path for one in asked if made.catalogue.get(one.path) is not None]
        assert 0 < len(there) < len(asked) and set(made.refused) == {one.path for one in asked} - set(there)
        for path, refusal in made.refused.items():
            assert refusal.code == "ZC_FIELD_REFUSED"
            assert path.removeprefix("custom.") in str(refusal) and "LIMIT_EXCEEDED" in str(refusal)

    async def test_a_grant_without_the_scope_is_told_at_once(self, crm: CrmTarget, hand: Hand) -> None:
        act = await hand.step(crm.document(1))
        assert isinstance(act, Act)
        async with reading_only(crm) as api:
            with pytest.raises(Rejected) as told:
                await hand.target.apply(crm.place, [act], hand.facts, api, Sending())
        assert told.value.kind is FailureClass.REJECTED and told.value.code == "ZC_SCOPE_MISSING"
        assert crm.found("key:B-1") is None


class TestACall:
    async def test_costs_what_the_vendor_counts(self, crm: CrmTarget) -> None:
        rows = [{"Last_Name": f"Alder {number}"} for number in range(25)]
        body = {"duplicate_check_fields": ["Books_Id"], "data": rows}
        query = {"select_query": "select id from Contacts where Email in ('a@b.example') limit 0, 2000"}
        calls = [
            Call("POST", "/Contacts/upsert", "upsert", json=body, writes=True),
            Call("POST", "/Contacts/upsert", "upsert", json=body | {"data": rows[:10]}, writes=True),
            Call("POST", "/coql", "query", json=query),
            Call("POST", "/coql", "query", json={"select_query": query["select_query"].replace("2000", "200")}),
            Call("GET", "/Contacts", "list", query={"fields": "Last_Name", "ids": ",".join(["1"] * 100)}),
        ]
        crm.switch(credits=100)
        left = await self._left(crm)
        for call in calls:
            await crm.api.call(call)
            before, left = left, await self._left(crm)
            assert before - left - 1 == prices.credits_of(call), call
        assert [prices.credits_of(call) for call in calls] == [3, 1, 3, 1, 1]
        assert [prices.is_heavy(call) for call in calls] == [True, False, True, True, False]
        limits = {one.name: one.weight for one in zoho_crm.VENDOR.profile.limits(crm.connection, calls[0])}
        assert limits == {"minute": 1, "day": 3, "concurrency": 1, "heavy": 1}

    async def _left(self, crm: CrmTarget) -> int:
        """What the vendor says after one more call; it says so once half of it is used."""
        while True:
            answer = await crm.api.call(Call("GET", "/org", "org.read"))
            if left := answer.headers.get("x-api-credits-remaining"):
                return int(left)


class TestANameThatOnlyOneMayHave:
    async def test_is_asked_for_first_and_no_two_of_them_share_a_call(self, crm: CrmTarget, hand: Hand) -> None:
        """An upsert would change whoever has it, also a row of the same call."""
        facts = await hand.target.facts(crm.place, crm.api)
        assert isinstance(facts, ModuleFacts)
        last_name = replace(facts.fields["Last_Name"], unique=True)
        hand.facts = ModuleFacts({**facts.fields, "Last_Name": last_name})
        act = await hand.step(crm.document(1))
        assert isinstance(act, Act) and not act.batch
        assert "same:Last_Name=Alder 1" in hand.known
        crm.crm.contact("Alder 2")
        with pytest.raises(Rejected) as told:
            await hand.step(crm.document(2))
        assert told.value.code == "ZC_DUPLICATE"
