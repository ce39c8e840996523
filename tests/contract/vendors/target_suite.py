"""One suite for every target whose records are kept in the latest state: what it promises, shown on the simulated vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol

import pytest

from common.contracts.ids import Entity
from common.failures import Failure, FailureClass
from tests.contract.vendors.account import Account, Answering
from tests.contract.vendors.hand import Hand
from tests.support.odd_bodies import broken, torn
from vendors.acts import Act, Done, Nothing, Sending, Skip
from vendors.catalogue import AskedField
from vendors.target import Target
from vendors.target_record import TargetRecord
from vendors.vendor import Vendor


class TargetAccount(Account, Protocol):
    """What a vendor's folder of tests brings along for its target."""

    def document(self, number: int) -> dict[str, Any]:
        """A new record with every kind of field there is; another number is another record."""

    def changed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The same record with one more field to write."""

    def gone(self) -> Mapping[str, Any]:
        """What a wish `absent` says of how."""

    def truth(self, key: str) -> Mapping[str, Any] | None:
        """The record as the vendor has it, by the paths of its catalogue; None where it is not there, or put away."""

    def spoil(self, key: str) -> None:
        """Somebody changes a field of a record that we wrote."""

    def take_away(self, key: str) -> None:
        """Somebody removes a record that we wrote, for good."""

    def refusals(self) -> Sequence[tuple[dict[str, Any], str]]:
        """Documents that the vendor refuses to create, each with the code of its refusal."""


class TargetSuite:
    """Subclasses set these, and nothing else."""

    vendor: ClassVar[Vendor]
    entity: ClassVar[Entity]
    opened: ClassVar[Callable[[Any], AbstractAsyncContextManager[Any]]]
    """At the simulated vendor that the fixture `sandbox` is."""

    @property
    def target(self) -> Target:
        return self.vendor.targets[self.entity]

    @pytest.fixture
    async def account(self, sandbox: Any) -> AsyncIterator[TargetAccount]:
        async with type(self).opened(sandbox) as account:
            yield account

    @pytest.fixture
    def hand(self, account: TargetAccount) -> Hand:
        return self.hand_of(account)

    def hand_of(self, account: TargetAccount) -> Hand:
        """A writer that knows nothing yet."""
        return Hand(self.target, account.place, account.api, capabilities=account.connection.capabilities)

    def is_so(self, account: TargetAccount, document: Mapping[str, Any]) -> bool:
        """Whether the vendor has what the document says, in its own spelling."""
        found = self.target.identify(document)
        truth = account.truth(found.value) if found else None
        return truth is not None and all(same(truth.get(path), value) for path, value in document.items())

    # --- plans

    async def test_a_plan_followed_comes_to_nothing_and_the_vendor_has_it(self, account: TargetAccount, hand: Hand) -> None:  # fmt: skip
        document = account.document(1)
        end, done = await hand.settle(document)
        assert end == Nothing() and done
        assert self.is_so(account, document)

    async def test_planned_again_it_costs_no_call(self, account: TargetAccount, hand: Hand) -> None:
        document = account.document(1)
        await hand.settle(document)
        before = account.calls()
        assert hand.planned(hand.work(document)) == Nothing()
        assert account.calls() == before

    async def test_who_knows_nothing_finds_it_there_and_writes_nothing(self, account: TargetAccount, hand: Hand) -> None:  # fmt: skip
        document = account.document(1)
        await hand.settle(document)
        stranger = self.hand_of(account)
        await stranger.look(stranger.key(document))
        assert await stranger.settle(document) == (Nothing(), [])

    async def test_a_change_writes_what_differs_and_no_more(self, account: TargetAccount, hand: Hand) -> None:
        document = account.document(1)
        await hand.settle(document)
        changed = account.changed(document)
        differing = {path for path in changed if changed[path] != document.get(path)}
        end, done = await hand.settle(changed)
        assert end == Nothing()
        assert {path for act in done for path in act.values} == differing
        assert self.is_so(account, changed)

    async def test_a_record_leaves_and_leaves_once(self, account: TargetAccount, hand: Hand) -> None:
        document = account.document(1)
        await hand.settle(document)
        key = hand.key(document)
        end, done = await hand.settle(account.gone(), leaves=key)
        assert end == Nothing() and len(done) == 1
        assert account.truth(key) is None
        assert await hand.settle(account.gone(), leaves=key) == (Nothing(), [])

    async def test_what_was_never_there_does_not_leave(self, account: TargetAccount, hand: Hand) -> None:
        assert await hand.settle(account.gone(), leaves=hand.key(account.document(7))) == (Nothing(), [])

    async def test_one_that_left_by_us_comes_back_and_one_that_others_took_away_does_not(
        self, account: TargetAccount, hand: Hand
    ) -> None:
        document, other, gone = (account.document(number) for number in (1, 2, 3))
        for one in (document, other, gone):
            await hand.settle(one)
        await hand.settle(account.gone(), leaves=hand.key(document))
        assert (await hand.settle(document))[0] == Nothing()
        assert self.is_so(account, document)
        await self.hand_of(account).settle(account.gone(), leaves=hand.key(other))
        account.take_away(hand.key(gone))
        for taken in (other, gone):
            await hand.look(hand.key(taken))
            end, done = await hand.settle(taken)
            assert isinstance(end, Skip) and not done

    # --- outcomes that nobody saw

    async def test_each_act_is_recognised_once_it_has_landed_and_not_before(self, account: TargetAccount, hand: Hand) -> None:  # fmt: skip
        for document, leaves in self.ways(account, hand):
            while isinstance(act := await hand.step(document, leaves), Act):
                attempt, known = hand.attempt(act), hand.known.get(act.key, TargetRecord())
                before = (await self.looked(hand, act))[act.key]
                assert self.target.landed(attempt, before) is None, act
                assert not self.target.late(attempt, known, before), act
                await hand.apply(act)
                after = (await self.looked(hand, act))[act.key]
                assert self.target.landed(attempt, after) is not None, act

    async def test_a_write_that_nobody_saw_is_learnt_by_one_look(self, account: TargetAccount, hand: Hand) -> None:
        for document, leaves in self.ways(account, hand):
            while isinstance(act := await hand.step(document, leaves), Act):
                attempt = hand.attempt(act)
                # Its answer is lost.
                await self.target.apply(hand.place, [act], hand.facts, hand.api, Sending())
                seen = (await self.looked(hand, act))[act.key]
                done = self.target.landed(attempt, seen)
                assert done is not None, act
                hand.sent.append(attempt)
                hand.settled(attempt, done)
                await hand.look(act.key)
                again = await hand.step(document, leaves)
                assert again != act
            assert again == Nothing()

    async def test_a_write_that_lands_late_is_seen_and_known_as_ours(self, account: TargetAccount, hand: Hand) -> None:
        document = account.document(1)
        act = await hand.step(document)
        assert isinstance(act, Act)
        attempt = hand.attempt(act)
        await hand.look(act.key)
        known = hand.known[act.key]
        # The ghost: H is over, it was not there, and then it lands.
        await self.target.apply(hand.place, [act], hand.facts, hand.api, Sending())
        seen = (await self.looked(hand, act))[act.key]
        assert self.target.drifted(known, seen)
        assert self.target.late(attempt, known, seen)

    async def test_what_others_change_is_drift_and_is_put_right(self, account: TargetAccount, hand: Hand) -> None:
        document = account.document(1)
        await hand.settle(document)
        key = hand.key(document)
        seen = (await self.target.look(hand.place, [key], hand.api))[key]
        assert isinstance(seen, TargetRecord) and not self.target.drifted(hand.known[key], seen)
        account.spoil(key)
        spoiled = (await self.target.look(hand.place, [key], hand.api))[key]
        assert isinstance(spoiled, TargetRecord) and self.target.drifted(hand.known[key], spoiled)
        assert not any(self.target.late(attempt, hand.known[key], spoiled) for attempt in hand.sent)
        await hand.look(key)
        assert (await hand.settle(document))[0] == Nothing()
        assert self.is_so(account, document)

    # --- many at once

    async def test_many_new_records_share_their_calls(self, account: TargetAccount, hand: Hand) -> None:
        acts = [await self.first(hand, account.document(number)) for number in range(1, 8)]
        calls = -(-len(acts) // acts[0].most) if acts[0].batch else len(acts)
        before = account.calls()
        size = acts[0].most if acts[0].batch else 1
        for at in range(0, len(acts), size):
            assert all(isinstance(verdict, Done) for verdict in await hand.apply(*acts[at : at + size]))
        assert account.calls() - before == calls

    async def test_a_look_tells_of_every_key_it_was_asked_for(self, account: TargetAccount, hand: Hand) -> None:
        documents = [account.document(number) for number in range(1, 4)]
        for document in documents[:2]:
            await hand.settle(document)
        keys = [hand.key(document) for document in documents]
        for at in range(0, len(keys), self.target.looks):
            await self.hand_of(account).look(*keys[at : at + self.target.looks])
        await hand.look(*keys)
        assert [hand.known[key].exists for key in keys] == [True, True, False]

    async def test_a_row_that_is_refused_is_refused_alone(self, account: TargetAccount, hand: Hand) -> None:
        good = [await self.first(hand, account.document(number)) for number in (1, 2)]
        for document, code in account.refusals():
            bad = await self.first(hand, document)
            with_others = bad.batch and bad.batch == good[0].batch
            acts = [good[0], bad, good[1]] if with_others else [bad]
            try:
                verdicts = await hand.apply(*acts)
            except Failure as failure:
                # Alone in its call, it may be the call that is refused.
                assert len(acts) == 1
                verdicts = [failure]
            for act, verdict in zip(acts, verdicts, strict=True):
                if act is bad:
                    assert isinstance(verdict, Failure) and verdict.code == code
                else:
                    assert isinstance(verdict, Done) or (isinstance(verdict, Failure) and verdict.kind is FailureClass.CONFLICT)  # fmt: skip
            assert account.truth(hand.key(document)) is None

    # --- faults

    @pytest.mark.parametrize(
        ("status", "body", "write"),
        [
            (429, b"", FailureClass.RATE_LIMITED),
            (500, b"<html>", FailureClass.UNKNOWN),
            (502, b"", FailureClass.UNKNOWN),
            (504, b"", FailureClass.UNKNOWN),
            (401, b"", FailureClass.UNAUTHORISED),
        ],
    )
    async def test_a_fault_is_a_failure_of_its_kind(
        self, account: TargetAccount, hand: Hand, status: int, body: bytes, write: FailureClass
    ) -> None:
        act = await self.first(hand, account.document(1))
        hand.api = Answering(self.vendor.profile, lambda call: (status, body))
        with pytest.raises(Failure) as caught:
            await hand.apply(act)
        assert caught.value.kind is write
        try:
            looked: object = (await self.target.look(hand.place, [act.key], hand.api))[act.key]
        except Failure as failure:
            looked = failure
        assert isinstance(looked, Failure) and looked.kind is not FailureClass.UNKNOWN

    async def test_no_answer_is_too_odd(self, account: TargetAccount, hand: Hand) -> None:
        """Whatever comes back from a call of ours is a verdict on each row, or a failure."""
        for document, leaves in self.ways(account, hand):
            while isinstance(act := await hand.step(document, leaves), Act):
                await hand.apply(act)
                _, answer = account.api.answers[-1]
                for body in [*broken(answer.body), *torn(answer.body)]:
                    odd = Answering(self.vendor.profile, lambda call, body=body: (200, body))  # type: ignore[misc]
                    await self._bear(hand, act, odd)

    async def _bear(self, hand: Hand, act: Act, odd: Answering) -> None:
        try:
            answered = await self.target.apply(hand.place, [act], hand.facts, odd, Sending())
            assert len(answered.verdicts) == 1
        except Failure:
            pass
        try:
            looked = await self.target.look(hand.place, [act.key], odd)
            assert set(looked) == {act.key}
        except Failure:
            pass

    # --- names and places

    async def test_a_record_has_one_name_and_its_lease_covers_it(self, account: TargetAccount) -> None:
        documents = [account.document(number) for number in range(1, 20)]
        names = [self.target.identify(document) for document in documents]
        assert len(set(names)) == len(names) and None not in names
        for document, name in zip(documents, names, strict=True):
            assert name is not None and name.value in self.target.keys(document)
            assert self.target.identify(account.changed(document)) == name
            nameless: dict[str, Any] = document
            while (one := self.target.identify(nameless)) is not None:
                # By this field no more, and by another one only if the target has a second way to find it.
                assert nameless[one.field] and one.value in self.target.keys(nameless)
                nameless = {**nameless, one.field: None}
            assert not self.target.keys(nameless) and not self.target.keys(dict.fromkeys(document, ""))

    async def test_the_catalogue_has_every_field_and_can_be_asked_for_more(self, account: TargetAccount) -> None:
        places = await self.target.places(account.connection, account.api)
        assert account.place in {place.id for place in places}
        catalogue = await self.target.catalogue(account.connection, account.place, account.api)
        assert set(account.document(1)) <= {field.path for field in catalogue.fields}
        known = next(field for field in catalogue.fields if field.type == "text" and not field.required)
        asked = [AskedField(known.path, known.type, known.label)] * 2
        try:
            made = await self.target.create_fields(account.connection, account.place, asked, account.api)
        except Failure as refusal:
            # Fields of the vendor's own are not to be made.
            assert refusal.kind is FailureClass.REJECTED
        else:
            assert made.catalogue == catalogue
            assert all(refusal.kind is FailureClass.REJECTED for refusal in made.refused.values())

    # --- what the tests say

    def ways(self, account: TargetAccount, hand: Hand) -> Sequence[tuple[Mapping[str, Any], str]]:
        """In, changed, out, and in again."""
        document = account.document(1)
        changed, key = account.changed(document), hand.key(document)
        return [(document, ""), (changed, ""), (account.gone(), key), (changed, "")]

    async def first(self, hand: Hand, document: Mapping[str, Any]) -> Act:
        step = await hand.step(document)
        assert isinstance(step, Act), step
        return step

    async def looked(self, hand: Hand, act: Act) -> Mapping[str, TargetRecord]:
        found = await self.target.look(hand.place, [act.key], hand.api)
        return {key: record for key, record in found.items() if isinstance(record, TargetRecord)}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return set(one) >= set(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(same(one.get(part), value) for part, value in other.items())
    return one == other or str(one) == str(other)
