"""Every row of the table of readers, on the simulated organisation: what a list tells, what a read by id tells, how changes are found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from common.codes import Code
from common.contracts.ids import Entity, RecordId
from common.contracts.records import RECORDS
from common.failures import RateLimited, Rejected
from common.http.call import Api, Call, VendorAnswer
from common.http.door_codes import CALL_NOT_PERMITTED
from tests.contract.vendors.account import Answering
from tests.contract.vendors.source_suite import at, shown, states_of
from tests.contract.vendors.zoho_books import account as simulator
from tests.contract.vendors.zoho_books.account import BooksAccount
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.vendor import Cursor, Page, State, Subject, connection_of
from vendors.zoho_books.errors import ZB_INVALID_VALUE, ZB_NO_ACCESS, ZB_NOT_FOUND
from vendors.zoho_books.readers import READERS
from vendors.zoho_books.source import ZohoBooksSource

SOURCE = ZohoBooksSource()
LONG_S = 300.0
WRITTEN_BY_PEOPLE = ("bill", "purchase_order", "supplier_payment", "expense", "journal", "account")
# Those that the suite of all sources is held against tell the rest.
MADE = (*WRITTEN_BY_PEOPLE, "supplier", "item")
PAGE = 200


@pytest.fixture
async def account(sandbox: SandboxProcess) -> AsyncIterator[BooksAccount]:
    async with simulator.opened(sandbox) as opened:
        yield opened


async def listed(account: BooksAccount, entity: str, since: Cursor | None = None) -> list[Page]:
    return [page async for page in SOURCE.pages(account.connection, Entity(entity), since, account.api)]


async def read(account: BooksAccount, entity: str, record: RecordId) -> State:
    (state,) = await SOURCE.read(account.connection, [Subject(Entity(entity), record)], account.api)
    assert isinstance(state, State)
    return state


async def quiet(account: BooksAccount, entity: str) -> Cursor:
    """Everything was read, and so long ago that it is settled."""
    account.advance(LONG_S)
    pages = await listed(account, entity)
    account.advance(LONG_S)
    assert pages[-1].next is not None and pages[-1].complete
    return pages[-1].next


class TestEveryRow:
    @pytest.mark.parametrize("entity", WRITTEN_BY_PEOPLE)
    async def test_each_field_of_the_catalogue_comes_through(self, account: BooksAccount, entity: str) -> None:
        record, expected = account.everything(Entity(entity))
        catalogue = await SOURCE.catalogue(account.connection, Entity(entity), account.api)
        state = await read(account, entity, record)
        told = set(expected) if catalogue.complete else {path for path in expected if not path.startswith("custom.")}
        assert {field.path for field in catalogue.fields} == told
        assert {path: at(state.fields, path) for path in expected} == expected
        RECORDS[entity].model_validate(state.fields)

    @pytest.mark.parametrize("entity", [one for one in MADE if READERS[one].stamped])
    async def test_a_row_of_the_list_tells_what_a_read_by_id_tells(self, account: BooksAccount, entity: str) -> None:
        record = account.create(Entity(entity))
        account.advance(LONG_S)
        (row,) = [one for one in states_of(await listed(account, entity)) if one.record == record]
        detail = await read(account, entity, record)
        assert (row.kind, row.coverage, row.version) == ("changed", "list", detail.version)
        assert row.fields == {name: shown(detail.fields, row.fields, name) for name in row.fields}
        # A field that the catalogue calls listed is in the row; what is not is read by id where a mapping names it.
        assert {one.path for one in READERS[entity].fields if one.in_list} <= set(row.fields)
        assert set(detail.fields) - set(row.fields) <= READERS[entity].detail_only

    @pytest.mark.parametrize("entity", MADE)
    async def test_what_has_changed_is_found_and_nothing_else(self, account: BooksAccount, entity: str) -> None:
        edited, _ = account.create(Entity(entity)), account.create(Entity(entity))
        cursor = await quiet(account, entity)
        before = account.calls()
        (page,) = await listed(account, entity, cursor)
        assert (page.states, page.complete, account.calls() - before) == ([], False, 1)
        account.edit(Entity(entity), edited)
        made = account.create(Entity(entity))
        changed = states_of(await listed(account, entity, cursor))
        assert {state.record for state in changed} == {edited, made}

    @pytest.mark.parametrize("entity", MADE)
    async def test_gone_is_a_deletion(self, account: BooksAccount, entity: str) -> None:
        record = account.create(Entity(entity))
        account.advance(30.0)
        account.remove(Entity(entity), record)
        assert (await read(account, entity, record)).kind == "deleted"
        assert record not in {state.record for state in states_of(await listed(account, entity))}


class TestCreditNotes:
    async def test_say_when_they_changed_under_two_names(self, account: BooksAccount) -> None:
        """`last_modified_time` in the list, `updated_time` in the note."""
        customer = account.books.contact("Elm")["contact_id"]
        body = {
            "customer_id": customer,
            "date": "2026-05-04",
            "line_items": [{"name": "Work", "rate": 60, "quantity": 2}],
        }
        note = account.books.told("POST", "/creditnotes", body, 201)["creditnote"]
        account.advance(LONG_S)
        (row,) = states_of(await listed(account, "credit_note"))
        detail = await read(account, "credit_note", RecordId(note["creditnote_id"]))
        assert row.version == detail.version and row.version.settled
        assert (detail.fields["number"], detail.fields["total"], detail.fields["customer"]) == (
            note["creditnote_number"], "120.00", "Elm",
        )  # fmt: skip
        assert [one["quantity"] for one in detail.fields["lines"]] == ["2.0"]


class TestSuppliers:
    async def test_and_customers_share_a_list_and_are_never_taken_for_each_other(self, account: BooksAccount) -> None:
        customer, supplier = account.create(Entity("customer")), account.create(Entity("supplier"))
        for entity, own in (("customer", customer), ("supplier", supplier)):
            assert own in {state.record for state in states_of(await listed(account, entity))}
        assert supplier not in {state.record for state in states_of(await listed(account, "customer"))}


class TestJournals:
    async def test_are_read_by_id_because_a_row_has_no_stamp(self, account: BooksAccount) -> None:
        records = [account.create(Entity("journal")) for _ in range(3)]
        (page,) = await listed(account, "journal")
        assert sorted(state.record for state in page.states) == sorted(records)
        assert {(state.kind, state.coverage) for state in page.states} == {("asked", "ask")}
        detail = await read(account, "journal", records[0])
        assert detail.fields["lines"] == [
            {"account": "Petty Cash", "side": "debit", "amount": "100.00", "description": "cash"}
        ]

    async def test_what_the_list_did_not_show_yet_comes_with_the_next_look(self, account: BooksAccount) -> None:
        """R11: where no row has a stamp, the cursor is what was settled when the listing began."""
        record = account.create(Entity("journal"))
        cursor = await quiet(account, "journal")
        account.lag(5)
        account.edit(Entity("journal"), record)
        first = await listed(account, "journal", cursor)
        account.advance(30.0)
        assert first[-1].states == [] and first[-1].next is not None
        assert [one.record for one in states_of(await listed(account, "journal", first[-1].next))] == [record]


class TestALongList:
    @pytest.mark.parametrize(("entity", "calls"), [("purchase_order", 1), ("expense", 3)])
    async def test_is_read_page_by_page_and_what_changed_is_asked_for_where_the_vendor_can(
        self, account: BooksAccount, entity: str, calls: int
    ) -> None:
        account.fill(Entity(entity), 2 * PAGE + 1)
        before = account.calls()
        whole = await listed(account, entity)
        assert (len(states_of(whole)), account.calls() - before) == (2 * PAGE + 1, 3)
        edited = states_of(whole)[2 * PAGE - 1].record
        cursor = await quiet(account, entity)
        account.edit(Entity(entity), edited)
        before = account.calls()
        pages = await listed(account, entity, cursor)
        assert [state.record for state in states_of(pages)] == [edited]
        assert account.calls() - before == calls
        # Only what is news was told, so nobody may be missed by it.
        assert not any(page.complete for page in pages)

    async def test_counts_against_the_organisations_minute(self, account: BooksAccount) -> None:
        account.sandbox.post(
            "limits", {"vendor": "zoho-books", "account": "demo", "per_minute": 2, "window": "rolling"}
        )
        await listed(account, "bill")
        await listed(account, "expense")
        with pytest.raises(RateLimited) as caught:
            await listed(account, "journal")
        assert caught.value.code == "ZB_MINUTE_LIMIT"


@dataclass
class WithoutFields:
    """The door to an organisation that does not show its list of fields."""

    inner: Api
    code: Code

    async def call(self, call: Call) -> VendorAnswer:
        if call.template == "/settings/fields":
            raise Rejected(self.code.name, self.code.meaning)
        return await self.inner.call(call)


class TestCustomFields:
    async def test_are_known_though_no_record_has_a_value_for_them(self, account: BooksAccount) -> None:
        account.people(
            "add_custom_field", module="contact", label="Loyalty", api_name="cf_loyalty", data_type="decimal"
        )
        account.books.contact("Alder")
        before = account.calls()
        catalogue = await SOURCE.catalogue(account.connection, Entity("customer"), account.api)
        assert account.calls() - before == 1
        loyalty, segment = catalogue.get("custom.cf_loyalty"), catalogue.get("custom.cf_segment")
        assert loyalty is not None and (loyalty.label, loyalty.type, loyalty.in_list) == ("Loyalty", "number", False)
        assert segment is not None and (segment.type, segment.choices) == (
            "choice", ("Wholesale", "Retail", "Partner", "Public sector"),
        )  # fmt: skip
        assert catalogue.complete and catalogue.get("custom.created_time") is None

    @pytest.mark.parametrize("entity", list(READERS))
    async def test_of_every_row_are_learnt_or_seen_on_a_page_of_records(
        self, account: BooksAccount, entity: str
    ) -> None:
        catalogue = await SOURCE.catalogue(account.connection, Entity(entity), account.api)
        assert catalogue.fields[: len(READERS[entity].fields)] == READERS[entity].fields
        # The vendor's list of fields knows no accounts of the ledger.
        assert catalogue.complete is (entity != "account")

    @pytest.mark.parametrize("code", [CALL_NOT_PERMITTED, ZB_NO_ACCESS, ZB_NOT_FOUND, ZB_INVALID_VALUE])
    async def test_are_those_of_a_page_of_records_where_nobody_may_see_the_list(
        self, account: BooksAccount, code: Code
    ) -> None:
        for n, name in enumerate(("cf_segment", "cf_external_id", "cf_account_manager")):
            account.books.contact(f"Alder {n}", custom_fields=[{"api_name": name, "value": f"A-{n}"}])
        api = WithoutFields(account.api, code)
        catalogue = await SOURCE.catalogue(account.connection, Entity("customer"), api)
        # The third one is shown in no list.
        found = [field.path for field in catalogue.fields if field.path.startswith("custom.")]
        assert (found, catalogue.complete) == (["custom.cf_external_id", "custom.cf_segment"], False)

    async def test_a_list_of_many_pages_is_read_to_its_end(self) -> None:
        def answer(call: Call) -> tuple[int, bytes]:
            number = int(call.query["page"])
            rows = [{"api_name": f"cf_{number}", "label": f"Field {number}", "data_type": "string"}]
            body: dict[str, Any] = {"code": 0, "fields": rows, "page_context": {"has_more_page": number < 3}}
            return 200, json.dumps(body).encode()

        api = Answering(zoho_books.VENDOR.profile, answer)
        connection = connection_of(zoho_books.NAME, "c", dc="eu", organization_id="1")
        catalogue = await SOURCE.catalogue(connection, Entity("bill"), api)
        assert [field.path for field in catalogue.fields if field.path.startswith("custom.")] == [
            f"custom.cf_{n}" for n in (1, 2, 3)
        ]

    async def test_trouble_that_passes_is_no_account_without_fields(self) -> None:
        api = Answering(zoho_books.VENDOR.profile, lambda call: (429, b'{"code": 44, "message": "slow"}'))
        connection = connection_of(zoho_books.NAME, "c", dc="eu", organization_id="1")
        with pytest.raises(RateLimited):
            await SOURCE.catalogue(connection, Entity("bill"), api)
