"""States of Zoho Books in neutral words: what the bytes said, by which version, settled or not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, EventId, RecordId, VendorName
from common.contracts.messages import Receipt
from common.failures import Failure, Rejected, Transient
from common.http.call import Call, VendorAnswer
from tests.contract.vendors.account import Answering
from tests.contract.vendors.source_suite import SourceSuite
from tests.contract.vendors.zoho_books import account
from vendors import zoho_books
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject, connection_of
from vendors.zoho_books.source import SETTLES_AFTER, ZohoBooksSource

STAMP = datetime(2026, 5, 4, 8, 11, 12, tzinfo=UTC)
CONTACT: dict[str, Any] = {
    "contact_id": "460000000099001", "contact_name": "Alder Works", "company_name": "Alder Works GmbH", "contact_type": "customer",
    "status": "active", "currency_code": "EUR", "email": "info@alder.example", "outstanding_receivable_amount": 120.5, "phone": "",
    "customer_sub_type": "business",
    "billing_address": {"address": "Hauptstr. 1", "city": "Bonn", "zip": "53111", "country": "Germany", "fax": "1", "state_code": "NW"},
    "contact_persons": [{"contact_person_id": "46", "email": "info@alder.example", "first_name": "Ida", "last_name": "Alder", "is_primary_contact": True}],
    "custom_fields": [{"customfield_id": "4", "api_name": "cf_external_id", "label": "External ID", "value": "A-17"}],
    "last_modified_time": "2026-05-04T10:11:12+0200",
}  # fmt: skip


def receipt(
    contact: dict[str, Any] | None = None,
    *,
    query: str = "event=edited",
    verified_by: str = "signature",
    body: bytes | None = None,
) -> Receipt:
    raw = body if body is not None else json.dumps({"contact": contact if contact is not None else CONTACT}).encode()
    return Receipt(
        id=EventId("r"), connection=ConnectionId("c"), vendor=VendorName("zoho-books"), received_at=STAMP + timedelta(seconds=1),
        method="POST", path="/", query=query, headers=(("content-type", "application/json"),), body=raw, verified_by=verified_by,
    )  # fmt: skip


def told(reading: ReceiptReading) -> State:
    (state,) = reading.states
    return state


class Answers:
    """The door, answering what the test says."""

    def __init__(self, answer: Callable[[Call], VendorAnswer]) -> None:
        self.calls: list[Call] = []
        self._answer = answer

    async def call(self, call: Call) -> VendorAnswer:
        self.calls.append(call)
        return self._answer(call)


def found(at: datetime, contact: dict[str, Any] = CONTACT) -> Answers:
    body = json.dumps({"code": 0, "message": "success", "contact": contact}).encode()
    return Answers(lambda call: VendorAnswer(200, {}, body, at, "", 0.01))


class TestReceipt:
    def test_says_what_the_body_said_in_neutral_words(self) -> None:
        state = told(ZohoBooksSource().receipt(receipt()))
        assert (state.entity, state.record, state.kind, state.coverage) == (
            "customer",
            "460000000099001",
            "changed",
            "hook",
        )
        assert state.version.stamp == STAMP
        assert state.fields == {
            "name": "Alder Works", "company": "Alder Works GmbH", "first_name": "Ida", "last_name": "Alder", "email": "info@alder.example",
            "phone": None, "status": "active", "currency": "EUR", "kind": "business", "outstanding": "120.5",
            "billing": {"attention": None, "street": "Hauptstr. 1", "street2": None, "city": "Bonn", "state": None, "zip": "53111", "country": "Germany", "phone": None},
            "custom": {"cf_external_id": "A-17"}, "updated_at": "2026-05-04T08:11:12Z", "id": "460000000099001",
            "persons": [{"id": "460000000099001-46", "email": "info@alder.example", "first_name": "Ida", "last_name": "Alder", "is_primary": True}],
        }  # fmt: skip

    def test_is_never_settled(self) -> None:
        assert not told(ZohoBooksSource().receipt(receipt())).version.settled

    def test_keeps_every_digit_of_an_amount(self) -> None:
        body = json.dumps({"contact": CONTACT}).replace("120.5", "12345678901234567.890").encode()
        assert told(ZohoBooksSource().receipt(receipt(body=body))).fields["outstanding"] == "12345678901234567.890"

    def test_what_is_not_mentioned_is_not_told(self) -> None:
        thin = {"contact_id": "46", "contact_name": "A", "last_modified_time": "2026-05-04T10:11:12+0200"}
        assert set(told(ZohoBooksSource().receipt(receipt(thin))).fields) == {"id", "name", "updated_at"}

    def test_a_deletion_only_asks(self) -> None:
        state = told(ZohoBooksSource().receipt(receipt(query="entity=contact&event=deleted")))
        assert (state.kind, state.coverage, state.fields) == ("asked", "ask", {})

    def test_an_unsigned_webhook_only_says_which_record_to_read(self) -> None:
        reading = ZohoBooksSource().receipt(receipt(verified_by="path-secret"))
        assert reading == ReceiptReading(thin=[Subject(Entity("customer"), RecordId("460000000099001"))])

    def test_without_a_stamp_the_record_has_to_be_read(self) -> None:
        reading = ZohoBooksSource().receipt(receipt({k: v for k, v in CONTACT.items() if k != "last_modified_time"}))
        assert [s.record for s in reading.thin] == ["460000000099001"]

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"\xff", b'{"contact": 3}', b'{"contact": {"contact_name": "A"}}', b"[" * 100_000]
    )
    def test_what_cannot_be_read_is_refused_with_a_code(self, body: bytes) -> None:
        with pytest.raises(Rejected) as caught:
            ZohoBooksSource().receipt(receipt(body=body))
        assert caught.value.code == "ZB_WEBHOOK_UNREADABLE"


class TestRead:
    async def test_settles_when_the_vendors_clock_is_past_the_stamp_and_its_lag(self) -> None:
        subject = Subject(Entity("customer"), RecordId("460000000099001"))
        connection = connection_of(VendorName("zoho-books"), "c")
        (late,) = await ZohoBooksSource().read(connection, [subject], found(STAMP + SETTLES_AFTER))
        (early,) = await ZohoBooksSource().read(connection, [subject], found(STAMP + timedelta(seconds=1)))
        assert isinstance(late, State)
        assert isinstance(early, State)
        assert (late.version.settled, early.version.settled) == (True, False)
        assert late.coverage == "detail"

    async def test_gone_is_a_deletion_as_of_the_answers_date(self) -> None:
        def refuse(call: Call) -> VendorAnswer:
            failure: Failure = Rejected("ZB_NOT_FOUND", "gone", vendor_status=404)
            failure.vendor_date = STAMP
            raise failure

        subject = Subject(Entity("customer"), RecordId("46"))
        (state,) = await ZohoBooksSource().read(
            connection_of(VendorName("zoho-books"), "c"), [subject], Answers(refuse)
        )
        assert isinstance(state, State)
        assert (state.kind, state.coverage, state.version.stamp, state.observed_at) == ("deleted", "gone", STAMP, STAMP)

    async def test_one_call_a_record_and_its_id_in_no_template(self) -> None:
        api = found(STAMP)
        subjects = [Subject(Entity("customer"), RecordId(str(n))) for n in range(7)]
        assert len(await ZohoBooksSource().read(connection_of(VendorName("zoho-books"), "c"), subjects, api)) == 7
        assert {call.template for call in api.calls} == {"/contacts/{id}"}


def paged(*pages: list[str], more: bool = False) -> Answering:
    """A list that gives these ids, page by page."""

    def answer(call: Call) -> tuple[int, bytes]:
        number = int(call.query["page"])
        rows = [{**CONTACT, "contact_id": one} for one in (pages[number - 1] if number <= len(pages) else ())]
        context = {"page": number, "has_more_page": more or number < len(pages)}
        return 200, json.dumps({"code": 0, "contacts": rows, "page_context": context}).encode()

    return Answering(zoho_books.VENDOR.profile, answer)


async def listed(api: Answering, cursor: Cursor | None = None) -> list[Page]:
    connection = connection_of(zoho_books.NAME, "c", dc="eu", organization_id="1")
    return [page async for page in ZohoBooksSource().pages(connection, Entity("customer"), cursor, api)]


FULL = [str(n) for n in range(200)]


class TestCompleteness:
    async def test_is_told_of_a_listing_that_showed_no_change(self) -> None:
        assert [page.complete for page in await listed(paged(FULL, ["900"]))] == [False, True]

    async def test_is_not_told_when_an_id_comes_twice(self) -> None:
        assert not any(page.complete for page in await listed(paged(FULL, ["7", "900"])))

    async def test_is_not_told_when_a_page_before_the_last_is_short(self) -> None:
        assert not any(page.complete for page in await listed(paged(FULL[:150], ["900"])))

    async def test_is_not_told_of_a_listing_that_goes_on_from_a_cursor(self) -> None:
        first, _ = await listed(paged(FULL, ["900"]))
        assert [page.complete for page in await listed(paged(FULL, ["900"]), first.next)] == [False]

    async def test_a_page_of_nothing_that_promises_more_is_no_page(self) -> None:
        with pytest.raises(Transient):
            await listed(paged([], more=True))

    async def test_a_supplier_in_the_list_is_no_customer(self) -> None:
        body = {"code": 0, "contacts": [CONTACT, {**CONTACT, "contact_id": "5", "contact_type": "vendor"}], "page_context": {"has_more_page": False}}  # fmt: skip
        (page,) = await listed(Answering(zoho_books.VENDOR.profile, lambda call: (200, json.dumps(body).encode())))
        assert [state.record for state in page.states] == [CONTACT["contact_id"]]


SHORT_PAGES = [[str(2 * n), str(2 * n + 1)] for n in range(70)]


class TestLength:
    """Whose pages tell no total; 70 of them here, of two records each."""

    async def test_of_a_long_listing_is_found_out_by_a_few_pages_further_on(self) -> None:
        api, asked = self.noted()
        pages = await listed(api)
        assert [(n, page.about) for n, page in enumerate(pages, 1) if page.about] == [(60, 14_100)]
        assert asked[60:65] == [120, 90, 75, 67, 61]
        assert len({state.record for page in pages for state in page.states}) == 140

    async def test_is_nothing_that_a_listing_fails_for(self) -> None:
        whole = paged(*SHORT_PAGES)

        def refuses_what_is_far(call: Call) -> tuple[int, bytes]:
            return (
                (400, b'{"code": 2, "message": "Invalid page"}') if int(call.query["page"]) > 70 else whole.answer(call)
            )

        pages = await listed(Answering(zoho_books.VENDOR.profile, refuses_what_is_far))
        assert ([page.about for page in pages], len(pages)) == ([None] * 70, 70)

    async def test_of_what_has_changed_is_asked_by_nobody(self) -> None:
        api, asked = self.noted()
        await listed(api, Cursor('{"since": "2001-01-01T00:00:00+00:00"}'))
        assert asked == list(range(1, 71))

    def noted(self) -> tuple[Answering, list[int]]:
        """A vendor, and the pages that it is asked for."""
        whole, asked = paged(*SHORT_PAGES), list[int]()

        def answer(call: Call) -> tuple[int, bytes]:
            asked.append(int(call.query["page"]))
            return whole.answer(call)

        return Answering(zoho_books.VENDOR.profile, answer), asked


class TestZohoBooksSource(SourceSuite):
    vendor = zoho_books.VENDOR
    opened = account.opened
    per_page = 200
    numbered_pages = True
    # One that is asked for what has changed by columns of a table; the others are in test_readers.py.
    entities = ("customer", "invoice", "payment", "bill")
