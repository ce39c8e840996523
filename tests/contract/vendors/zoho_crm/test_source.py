"""Records of Zoho CRM in neutral words: every module, its pages and tokens, and what was deleted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from common.contracts.ids import Entity, RecordId
from common.contracts.records import RECORDS
from common.failures import Failure, Rejected
from tests.contract.vendors.source_suite import SourceSuite, at, shown, states_of
from tests.contract.vendors.zoho_crm import account as simulator
from tests.contract.vendors.zoho_crm.account import LINES, MODULES, CrmAccount, receipt
from tests.support.sandbox import SandboxProcess
from vendors import zoho_crm
from vendors.vendor import Cursor, Page, State, Subject, connection_of
from vendors.zoho_crm.readers import READERS
from vendors.zoho_crm.source import ZohoCrmSource

SOURCE = ZohoCrmSource()
PERSON = Entity("person")
LONG_S = 300.0


@pytest.fixture
async def account(sandbox: SandboxProcess) -> AsyncIterator[CrmAccount]:
    async with simulator.opened(sandbox) as opened:
        yield opened


async def listed(account: CrmAccount, entity: str = PERSON, since: Cursor | None = None) -> list[Page]:
    return [page async for page in SOURCE.pages(account.connection, Entity(entity), since, account.api)]


async def read(account: CrmAccount, entity: str, record: RecordId) -> State | Failure:
    (state,) = await SOURCE.read(account.connection, [Subject(Entity(entity), record)], account.api)
    return state


async def cursor_of(account: CrmAccount) -> Cursor:
    """Everything was read, and so long ago that it is settled."""
    account.advance(LONG_S)
    found = (await listed(account))[-1].next
    account.advance(LONG_S)
    assert found is not None
    return found


class TestZohoCrmSource(SourceSuite):
    vendor = zoho_crm.VENDOR
    opened = simulator.opened
    per_page = 200
    numbered_pages = True
    calls_of_a_poll = 2
    # The modules differ in names alone: the others are below.
    entities = ("person",)


class TestEveryModule:
    def test_is_one_of_the_ten(self) -> None:
        assert {entity: reader.module for entity, reader in READERS.items()} == MODULES

    @pytest.mark.parametrize("entity", MODULES)
    def test_names_no_more_fields_than_a_list_takes(self, entity: str) -> None:
        assert 0 < len(READERS[entity].names.split(",")) <= 50

    @pytest.mark.parametrize("entity", MODULES)
    async def test_a_row_of_its_list_tells_what_a_read_by_id_tells(self, account: CrmAccount, entity: str) -> None:
        record = account.create(Entity(entity))
        account.advance(LONG_S)
        (row,) = [state for state in states_of(await listed(account, entity)) if state.record == record]
        detail = await read(account, entity, record)
        assert isinstance(detail, State)
        assert (row.kind, row.coverage, row.version, row.version.settled) == ("changed", "list", detail.version, True)
        assert row.fields == {name: shown(detail.fields, row.fields, name) for name in row.fields}
        assert set(detail.fields) - set(row.fields) <= SOURCE.detail_only[Entity(entity)]
        RECORDS[entity].model_validate(detail.fields)
        if entity in LINES:
            (line,) = detail.fields["lines"]
            assert (line["quantity"], line["rate"], line["total"]) == ("2", "50", "100")

    async def test_an_account_s_every_field_comes_through(self, account: CrmAccount) -> None:
        record, expected = account.everything(Entity("customer"))
        catalogue = await SOURCE.catalogue(account.connection, Entity("customer"), account.api)
        detail = await read(account, "customer", record)
        assert isinstance(detail, State)
        assert {one.path for one in catalogue.fields} == set(expected)
        assert {path: at(detail.fields, path) for path in expected} == expected

    async def test_a_lead_that_was_converted_stays_in_the_list(self, account: CrmAccount) -> None:
        lead = account.create(Entity("lead"))
        account.people("convert", id=lead)
        assert lead in [state.record for state in states_of(await listed(account, "lead"))]


class TestEditions:
    async def test_a_module_that_is_not_there_is_told_beforehand_and_refused(self, sandbox: SandboxProcess) -> None:
        async with simulator.opened(sandbox, "demo-jp") as small:
            with pytest.raises(Rejected) as caught:
                await listed(small, "sales_invoice")
            assert caught.value.code == "ZC_NO_MODULE"
        connection = connection_of(zoho_crm.NAME, "c", edition="standard")
        assert "Professional" in zoho_crm.VENDOR.remarks(connection, Entity("sales_invoice"))[0]
        assert zoho_crm.VENDOR.remarks(connection, PERSON) == ()
        larger = connection_of(zoho_crm.NAME, "c", edition="enterprise")
        assert zoho_crm.VENDOR.remarks(larger, Entity("sales_invoice")) == ()


class TestPages:
    async def test_beyond_two_thousand_go_by_the_token_of_the_page_before(self, account: CrmAccount) -> None:
        account.fill(PERSON, 2_210)
        before = account.calls()
        pages = await listed(account)
        assert (len(pages), account.calls() - before) == (12, 12)
        assert len({state.record for state in states_of(pages)}) == 2_210 and pages[-1].complete
        tenth = json.loads(str(pages[9].next))
        assert tenth["page"] == 11 and tenth["token"]
        # Whoever was stopped there goes on there.
        rest = await listed(account, PERSON, pages[9].next)
        assert [state.record for state in states_of(rest)] == [state.record for state in states_of(pages[10:])]
        assert not any(page.complete for page in rest)

    async def test_a_token_that_has_died_begins_the_listing_anew(self, account: CrmAccount) -> None:
        account.fill(PERSON, 2_210)
        dead = Cursor(json.dumps({"page": 11, "token": "0" * 48}))
        pages = await listed(account, PERSON, dead)
        assert len({state.record for state in states_of(pages)}) == 2_210 and pages[-1].complete


class TestDeleted:
    async def test_is_asked_for_by_the_next_poll_and_once(self, account: CrmAccount) -> None:
        gone, stays = account.create(PERSON), account.create(PERSON)
        cursor = await cursor_of(account)
        account.remove(PERSON, gone)
        account.advance(LONG_S)
        (page,) = await listed(account, PERSON, cursor)
        assert [(state.record, state.kind, state.coverage) for state in page.states] == [(gone, "asked", "ask")]
        # The newest deletion says nothing of edits: what was edited before it and was not in the list yet is not passed over.
        assert page.next is not None and json.loads(page.next)["since"] == json.loads(cursor)["since"]
        (again,) = await listed(account, PERSON, page.next)
        assert (again.states, again.next) == ([], page.next)
        account.edit(PERSON, stays)
        assert [state.record for state in states_of(await listed(account, PERSON, page.next))] == [stays]

    async def test_what_was_merged_away_is_gone_and_the_survivor_has_changed(self, account: CrmAccount) -> None:
        survivor, other = account.create(PERSON), account.create(PERSON)
        cursor = await cursor_of(account)
        account.people("merge", module="Contacts", into=survivor, ids=[other])
        told = states_of(await listed(account, PERSON, cursor))
        assert {(state.record, state.kind) for state in told} == {(survivor, "changed"), (other, "asked")}

    @pytest.mark.parametrize("answer", ["empty", "refused"])
    async def test_a_read_by_id_decides_however_the_vendor_says_it(self, account: CrmAccount, answer: str) -> None:
        account.switch(gone_record=answer)
        record = account.create(PERSON)
        account.remove(PERSON, record)
        state = await read(account, PERSON, record)
        assert isinstance(state, State)
        assert (state.kind, state.coverage, state.version.settled) == ("deleted", "gone", True)


class TestCallbacks:
    def test_name_every_record_that_has_to_be_read(self) -> None:
        found = SOURCE.receipt(receipt("Contacts", "update", "501", "502", "501"))
        assert [(one.entity, one.record) for one in found.thin] == [("person", "501"), ("person", "502")]
        assert not found.states

    def test_of_a_deletion_only_ask(self) -> None:
        (state,) = SOURCE.receipt(receipt("Accounts", "delete", "501")).states
        assert (state.entity, state.kind, state.coverage, state.version.settled) == ("customer", "asked", "ask", False)

    def test_of_a_module_that_nobody_reads_are_refused(self) -> None:
        with pytest.raises(Rejected) as caught:
            SOURCE.receipt(receipt("Tasks", "update", "501"))
        assert caught.value.code == "ZC_ANSWER_ODD"
