"""One suite for every vendor that is read: what a source promises, shown on the simulated vendor through the product's own door.

A vendor's test class names its `Vendor`, how an account of it is opened, and what its lists look like.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

import pytest

from common.contracts.facts import kept_fields
from common.contracts.ids import Entity, RecordId
from common.contracts.records import RECORDS
from common.failures import Failure, FailureClass, Rejected
from common.http.call import Api, Call
from tests.contract.vendors.account import Account, Answering
from tests.support.odd_bodies import broken, torn
from tests.support.sandbox import SandboxProcess
from vendors.vendor import Cursor, Page, Source, State, Subject, Vendor

LONG_S = 300.0


class SourceSuite:
    """Subclasses set these, and nothing else."""

    vendor: ClassVar[Vendor]
    opened: ClassVar[Callable[[SandboxProcess], AbstractAsyncContextManager[Account]]]
    per_page: ClassVar[int]
    numbered_pages: ClassVar[bool]
    """Pages are asked for by number alone: a record that is deleted while they are read moves another past the next one."""
    tells_the_end: ClassVar[bool] = True
    """A listing from its beginning to its end is all that there is: who is in none of its pages may be gone."""
    entities: ClassVar[Sequence[str]] = ()
    """Those that the suite is held against, where records of a table's other rows differ in their fields alone; usually all."""
    settles_s: ClassVar[float] = 60.0
    """By when a list is certain of a change, at the latest: minutes where it is the answer of a search."""
    depth: ClassVar[int] = 3
    """How deep in an answer of a list the fields of a row lie."""
    overlap: ClassVar[int] = 0
    """Rows that each page has in common with the one before."""
    calls_of_a_poll: ClassVar[int] = 1
    """Of one page; two where what was deleted is in a list of its own."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each entity of the source is a test of its own."""
        if "entity" in metafunc.fixturenames:
            metafunc.parametrize("entity", list(self.entities or self.source.entities))

    @property
    def source(self) -> Source:
        assert self.vendor.source is not None
        return self.vendor.source

    @property
    def long_s(self) -> float:
        return max(LONG_S, 2 * self.settles_s)

    @pytest.fixture
    async def account(self, sandbox: SandboxProcess) -> AsyncIterator[Account]:
        async with type(self).opened(sandbox) as account:
            yield account

    # --- what the tests say

    def pages(self, account: Account, entity: Entity, since: Cursor | None = None, api: Api | None = None) -> AsyncIterator[Page]:  # fmt: skip
        return self.source.pages(account.connection, entity, since, api or account.api, account.place)

    async def listed(self, account: Account, entity: Entity, since: Cursor | None = None) -> list[Page]:
        return [page async for page in self.pages(account, entity, since)]

    async def read(self, account: Account, entity: Entity, *records: RecordId) -> list[State]:
        subjects = [Subject(entity, record) for record in records]
        states = await self.source.read(account.connection, subjects, account.api)
        return [state for state in states if isinstance(state, State)]

    async def quiet(self, account: Account, entity: Entity) -> Cursor:
        """Everything was read, and so long ago that it is settled."""
        account.advance(self.long_s)
        pages = await self.listed(account, entity)
        account.advance(self.long_s)
        assert pages[-1].next is not None
        return pages[-1].next

    def ideal(self, count: int) -> int:
        """Calls for so many records."""
        return max(1, -(-(count - self.overlap) // (self.per_page - self.overlap)))

    # --- whole accounts

    async def test_a_whole_account_is_one_call_a_page(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 2 * self.per_page + self.per_page // 2)
        before = account.calls()
        pages = await self.listed(account, entity)
        states = states_of(pages)
        assert account.calls() - before == len(pages) == self.ideal(len(states))
        assert len(states) > 2 * self.per_page
        assert len({state.record for state in states}) == len(states)
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [self.tells_the_end]

    async def test_a_list_tells_what_reads_by_id_tell(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 12)
        account.everything(entity)
        account.advance(self.long_s)
        for row in states_of(await self.listed(account, entity)):
            (detail,) = await self.read(account, entity, row.record)
            assert (row.kind, row.coverage, row.version, row.place) == ("changed", "list", detail.version, detail.place)
            assert row.fields == {name: shown(detail.fields, row.fields, name) for name in row.fields}

    async def test_an_account_without_records_is_one_complete_page(self, account: Account, entity: Entity) -> None:
        for record in [state.record for state in states_of(await self.listed(account, entity))]:
            account.remove(entity, record)
        (page,) = await self.listed(account, entity)
        assert (page.states, page.next, page.complete) == ([], None, self.tells_the_end)

    async def test_goes_on_from_the_cursor_of_any_page(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 2 * self.per_page + self.per_page // 2)
        account.advance(self.long_s)
        whole = states_of(await self.listed(account, entity))
        first = await anext(aiter(self.pages(account, entity)))
        before = account.calls()
        rest = await self.listed(account, entity, Cursor(str(first.next)))
        assert account.calls() - before <= self.ideal(len(whole)) - 1
        assert {s.record for s in [*first.states, *states_of(rest)]} == {state.record for state in whole}
        # What was deleted in between is not known to it.
        assert not any(page.complete for page in rest)

    # --- what has changed

    async def test_a_poll_of_a_quiet_account_is_one_call_and_tells_nothing(self, account: Account, entity: Entity) -> None:  # fmt: skip
        account.fill(entity, self.per_page + 1)
        cursor, before = await self.quiet(account, entity), account.calls()
        (page,) = await self.listed(account, entity, cursor)
        assert account.calls() - before == self.calls_of_a_poll
        assert (page.states, page.next, page.complete) == ([], cursor, False)

    async def test_a_poll_tells_what_has_changed_and_no_more(self, account: Account, entity: Entity) -> None:
        account.fill(entity, self.per_page + 1)
        chosen = [state.record for state in states_of(await self.listed(account, entity))][:9]
        cursor = await self.quiet(account, entity)
        for record in chosen:
            account.edit(entity, record)
        made = account.create(entity)
        before = account.calls()
        pages = await self.listed(account, entity, cursor)
        assert account.calls() - before == self.calls_of_a_poll
        assert {state.record for state in states_of(pages)} == {*chosen, made}

    async def test_what_is_still_changing_is_told_again_until_it_is_settled(self, account: Account, entity: Entity) -> None:  # fmt: skip
        record = account.create(entity)
        cursor = await self.quiet(account, entity)
        account.edit(entity, record)
        told = []
        for _ in range(3):
            (page,) = await self.listed(account, entity, cursor)
            told.append([state.version.settled for state in page.states if state.record == record])
            assert page.next is not None
            cursor = page.next
            account.advance(self.settles_s)
        assert told == [[False], [True], []]

    async def test_what_the_list_did_not_show_yet_comes_with_the_next_poll(self, account: Account, entity: Entity) -> None:  # fmt: skip
        early, late = account.create(entity), account.create(entity)
        cursor = await self.quiet(account, entity)
        account.lag(5)
        account.edit(entity, early)
        account.advance(5.0)
        account.edit(entity, late)
        first = await self.listed(account, entity, cursor)
        account.advance(self.settles_s)
        assert first[-1].next is not None
        second = await self.listed(account, entity, first[-1].next)
        (detail,) = await self.read(account, entity, late)
        assert early in {state.record for state in states_of(first)}
        # R11: neither "now" nor the newest stamp alone: what was on its way to the list is read.
        told = [state.fields for state in states_of(second) if state.record == late]
        assert any(row == {name: shown(detail.fields, row, name) for name in row} for row in told)
        assert all(state.version.settled for state in states_of(second))

    async def test_an_earlier_cursor_reads_again_what_came_since(self, account: Account, entity: Entity) -> None:
        record = account.create(entity)
        cursor = await self.quiet(account, entity)
        account.edit(entity, record)
        later = (await self.listed(account, entity, cursor))[-1].next
        account.advance(self.long_s)
        assert [state.record for state in states_of(await self.listed(account, entity, cursor))] == [record]
        assert later is not None

    @pytest.mark.parametrize("cursor", ["", "{}", "nonsense", '{"since": 4}', '{"since": "2026-01-01"', "[]", "\x00"])
    async def test_a_cursor_of_nobody_reads_everything(self, account: Account, entity: Entity, cursor: str) -> None:
        account.create(entity)
        everything = states_of(await self.listed(account, entity))
        assert [s.record for s in states_of(await self.listed(account, entity, Cursor(cursor)))] == [
            s.record for s in everything
        ]

    # --- while somebody else works

    async def test_no_edit_slips_while_pages_are_read(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 2 * self.per_page + self.per_page // 2)
        account.advance(self.long_s)
        records = [state.record for state in states_of(await self.listed(account, entity))]
        told: dict[RecordId, list[State]] = {}
        touched: list[RecordId] = []
        cursor: Cursor | None = None
        async for page in self.pages(account, entity):
            for state in page.states:
                told.setdefault(state.record, []).append(state)
            if len(touched) < 6:
                # One that was read, one that was not yet, and a new one.
                touched += [records[len(touched)], records[-1 - len(touched)], account.create(entity)]
                for record in touched[-3:-1]:
                    account.edit(entity, record)
            cursor = page.next
        assert set(records) <= set(told)
        # Else a busy account could never tell what is gone.
        assert page.complete == self.tells_the_end
        account.advance(self.long_s)
        for state in states_of(await self.listed(account, entity, cursor)):
            told.setdefault(state.record, []).append(state)
        for detail in await self.read(account, entity, *touched):
            newest = max(told[detail.record], key=lambda state: state.version.order)
            assert newest.version == detail.version
            assert newest.fields == {name: shown(detail.fields, newest.fields, name) for name in newest.fields}

    async def test_what_a_deletion_hides_is_in_the_next_listing(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 2 * self.per_page + self.per_page // 2)
        account.advance(self.long_s)
        records = [state.record for state in states_of(await self.listed(account, entity))]
        told: set[RecordId] = set()
        async for page in self.pages(account, entity):
            told |= {state.record for state in page.states}
            if len(told) < self.per_page + 1:
                account.remove(entity, records[3])
        left = set(records) - {records[3]}
        assert len(left - told) <= (1 if self.numbered_pages else 0)
        pages = await self.listed(account, entity)
        assert {state.record for state in states_of(pages)} == left
        assert pages[-1].complete == self.tells_the_end

    # --- versions

    async def test_a_later_state_has_a_later_version(self, account: Account, entity: Entity) -> None:
        record = account.create(entity)
        (first,) = await self.read(account, entity, record)
        account.advance(30.0)
        (same,) = await self.read(account, entity, record)
        account.edit(entity, record)
        (edited,) = await self.read(account, entity, record)
        assert (first.version.settled, same.version.settled, edited.version.settled) == (False, True, False)
        assert first.version.order < same.version.order < edited.version.order
        assert first.fields == same.fields != edited.fields

    async def test_gone_is_a_deletion_by_the_vendors_clock(self, account: Account, entity: Entity) -> None:
        record = account.create(entity)
        (there,) = await self.read(account, entity, record)
        account.advance(30.0)
        account.remove(entity, record)
        (gone,) = await self.read(account, entity, record)
        assert (gone.kind, gone.coverage, gone.fields) == ("deleted", "gone", {})
        assert gone.version.settled and gone.version.stamp == gone.observed_at > there.observed_at
        assert record not in {state.record for state in states_of(await self.listed(account, entity))}

    async def test_one_that_cannot_be_read_keeps_no_other_from_it(self, account: Account, entity: Entity) -> None:
        records = [account.create(entity) for _ in range(3)]
        subjects = [Subject(entity, one) for one in (records[0], RecordId("no-such-record"), *records[1:])]
        answers = await self.source.read(account.connection, subjects, account.api)
        assert [one.record for one in answers if isinstance(one, State) and one.kind == "changed"] == records
        assert len(answers) == 4

    # --- words

    async def test_every_field_of_the_catalogue_comes_through(self, account: Account, entity: Entity) -> None:
        record, expected = account.everything(entity)
        catalogue = await self.source.catalogue(account.connection, entity, account.api)
        (state,) = await self.read(account, entity, record)
        assert {field.path for field in catalogue.fields} == set(expected)
        assert {path: at(state.fields, path) for path in expected} == expected

    async def test_no_word_of_the_vendors_gets_out(self, account: Account, entity: Entity) -> None:
        account.fill(entity, 20)
        account.everything(entity)
        rows = states_of(await self.listed(account, entity))
        for state in [*rows, *await self.read(account, entity, *[row.record for row in rows[:20]])]:
            RECORDS[entity].model_validate(state.fields)

    async def test_what_no_list_carries_is_known_beforehand(self, account: Account, entity: Entity) -> None:
        """Else nobody asks for it, and it stays empty at the target."""
        account.everything(entity)
        catalogue = await self.source.catalogue(account.connection, entity, account.api)
        beyond = self.source.detail_only.get(entity, frozenset())
        assert {one.path.partition(".")[0] for one in catalogue.fields if not one.in_list} <= beyond
        for row in states_of(await self.listed(account, entity)):
            listed = {field.path for field in catalogue.fields if field.in_list and "." not in field.path}
            assert listed <= set(row.fields), "a field that the catalogue calls listed, and no row has"

    # --- what records tell of others

    async def test_a_row_of_the_list_tells_all_that_facts_are_made_of(self, account: Account, entity: Entity) -> None:
        """Else each of these records would cost a call."""
        account.everything(entity)
        feed = self.source.feeds.get(entity)
        for row in states_of(await self.listed(account, entity)) if feed is not None else ():
            assert set(kept_fields(entity)) <= set(row.fields)
            assert feed is not None and feed.whom(row.fields)

    def test_nobody_tells_of_a_record_that_tells_of_others(self) -> None:
        """Batches lock those who tell before those of whom they tell."""
        told_of = {feed.to for feed in self.source.feeds.values()}
        assert told_of <= set(self.source.entities) and not told_of & set(self.source.feeds)

    # --- webhooks

    async def test_a_webhook_is_never_settled_and_a_thin_one_names_its_record(self, account: Account) -> None:
        for receipt in account.receipts():
            for believed_by in (receipt.verified_by, "path-secret"):
                found = self.source.receipt(replace_by(receipt, believed_by))
                assert found.states or found.thin
                assert not any(state.version.settled for state in found.states)
                assert {one.entity for one in found.thin} <= {*self.source.entities}

    async def test_no_webhook_is_too_odd(self, account: Account) -> None:
        for receipt in account.receipts():
            for body in [*broken(receipt.body), *torn(receipt.body)]:
                try:
                    found = self.source.receipt(receipt.model_copy(update={"body": body}))
                except Rejected:
                    continue
                for state in found.states:
                    if state.kind == "changed" and state.entity in RECORDS:
                        RECORDS[state.entity].model_validate(state.fields)

    # --- faults

    @pytest.mark.parametrize(
        ("status", "body", "kinds"),
        [
            (429, b"", {FailureClass.RATE_LIMITED}),
            (500, b"<html>", {FailureClass.TRANSIENT}),
            (502, b"", {FailureClass.TRANSIENT}),
            (503, b'{"code":0}', {FailureClass.TRANSIENT}),
            (200, b"<html>Please log in</html>", {FailureClass.TRANSIENT}),
            (200, b"", {FailureClass.TRANSIENT}),
            (200, b"[]", {FailureClass.TRANSIENT}),
            (401, b"", {FailureClass.UNAUTHORISED}),
        ],
    )
    async def test_a_fault_is_a_failure_of_its_kind(
        self, account: Account, entity: Entity, status: int, body: bytes, kinds: set[FailureClass]
    ) -> None:
        api = Answering(self.vendor.profile, lambda call: (status, body))
        (answer,) = await self.source.read(account.connection, [Subject(entity, account.create(entity))], api)
        assert isinstance(answer, Failure) and answer.kind in kinds
        with pytest.raises(Failure) as caught:
            await anext(aiter(self.pages(account, entity, None, api)))
        assert caught.value.kind in kinds

    async def test_no_answer_is_too_odd(self, account: Account, entity: Entity) -> None:
        record = account.everything(entity)[0]
        await self.listed(account, entity)
        await self.read(account, entity, record)
        await self.source.catalogue(account.connection, entity, account.api)
        for call, answer in list(account.api.answers):
            for body in [*broken(answer.body, self.depth), *torn(answer.body)]:
                api = Answering(self.vendor.profile, instead(account, call, body))
                await self._bear(account, entity, record, api)

    async def test_a_row_that_nobody_can_read_is_asked_for_and_keeps_no_other(self, account: Account, entity: Entity) -> None:  # fmt: skip
        """A page in which one row has something that is none of the sheet's."""
        for _ in range(3):
            account.create(entity)
        (page,) = await self.listed(account, entity)
        call, answer = account.api.answers[-1]
        isolated = 0
        for body in broken(answer.body, self.depth):
            api = Answering(self.vendor.profile, instead(account, call, body))
            try:
                found = await anext(aiter(self.pages(account, entity, None, api)))
            except Failure:
                continue
            asked = [state for state in found.states if state.kind == "asked"]
            isolated += len(asked)
            if asked:
                assert [state.record for state in found.states] == [state.record for state in page.states]
                assert asked[0].coverage == "ask" and not asked[0].fields
        assert isolated

    async def _bear(self, account: Account, entity: Entity, record: RecordId, api: Api) -> None:
        """Whatever the vendor answers is a state in neutral words, or a failure."""
        (read,) = await self.source.read(account.connection, [Subject(entity, record)], api)
        states = [read] if isinstance(read, State) else []
        assert isinstance(read, State | Failure)
        try:
            async for page in self.pages(account, entity, None, api):
                states += page.states
                if page.complete or len(states) > 3 * self.per_page:
                    break
            await self.source.catalogue(account.connection, entity, api)
        except Failure:
            pass
        for state in states:
            if state.kind == "changed":
                RECORDS[entity].model_validate(state.fields)


def states_of(pages: Sequence[Page]) -> list[State]:
    return [state for page in pages for state in page.states]


def shown(detail: Any, row: Any, name: str) -> Any:
    """The detail's value; of custom fields those that the list carries."""
    if name == "custom":
        return {custom: detail[name][custom] for custom in row[name]}
    return detail[name]


def at(fields: Any, path: str) -> Any:
    """The value at a path of the catalogue."""
    for part in path.split("."):
        fields = fields[part]
    return fields


def replace_by(receipt: Any, verified_by: str) -> Any:
    return receipt.model_copy(update={"verified_by": verified_by})


def instead(account: Account, call: Call, body: bytes) -> Callable[[Call], tuple[int, bytes]]:
    """The recorded answers, but for one call."""
    recorded = {asked.template: (answer.status, answer.body) for asked, answer in account.api.answers}

    def answer(asked: Call) -> tuple[int, bytes]:
        return (200, body) if asked.template == call.template else recorded[asked.template]

    return answer
