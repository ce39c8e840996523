"""Contact persons as records of their own: told by their customers, read by reading them (decision 68)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from common.contracts.ids import Entity, RecordId
from common.failures import Rejected
from tests.contract.vendors.source_suite import SourceSuite, states_of
from tests.contract.vendors.zoho_books import account as simulator
from tests.contract.vendors.zoho_books.account import BooksAccount
from tests.contract.vendors.zoho_books.test_source import CONTACT, Answers, found
from tests.support.sandbox import SandboxProcess
from vendors import zoho_books
from vendors.vendor import State, Subject, connection_of
from vendors.zoho_books.source import ZohoBooksSource

CUSTOMER, PERSON = Entity("customer"), Entity("person")
PARTS = zoho_books.VENDOR.inner[PERSON]
SOURCE = ZohoBooksSource()


@pytest.fixture
async def account(sandbox: SandboxProcess) -> AsyncIterator[BooksAccount]:
    async with simulator.opened(sandbox) as opened:
        yield opened


class _Suite(SourceSuite):
    vendor = zoho_books.VENDOR
    opened = simulator.opened
    per_page = 200
    numbered_pages = True


class TestAsAnySource:
    """What the suite says of a record that is read by id; no list has persons."""

    @pytest.mark.parametrize(
        "said",
        [
            _Suite.test_a_later_state_has_a_later_version,
            _Suite.test_one_that_cannot_be_read_keeps_no_other_from_it,
            _Suite.test_every_field_of_the_catalogue_comes_through,
            _Suite.test_no_word_of_the_vendors_gets_out,
        ],
    )
    async def test_a_person_is(self, account: BooksAccount, said: object) -> None:
        await said(_Suite(), account, PERSON)  # type: ignore[operator]


class TestAPerson:
    async def test_who_is_no_more_among_those_of_the_customer_is_gone_as_of_that_answer(
        self, account: BooksAccount
    ) -> None:
        record = account.everything(PERSON)[0]
        account.advance(30.0)
        account.remove(PERSON, record)
        (gone,) = await SOURCE.read(account.connection, [Subject(PERSON, record)], account.api)
        assert isinstance(gone, State)
        assert (gone.kind, gone.coverage, gone.fields) == ("deleted", "gone", {})
        assert gone.version.settled and gone.version.stamp == gone.observed_at

    async def test_is_gone_with_the_customer(self, account: BooksAccount) -> None:
        record = account.create(PERSON)
        account.remove(CUSTOMER, RecordId(record.partition("-")[0]))
        (gone,) = await SOURCE.read(account.connection, [Subject(PERSON, record)], account.api)
        assert isinstance(gone, State)
        assert (gone.entity, gone.record, gone.kind) == (PERSON, record, "deleted")

    async def test_and_its_customer_are_read_by_one_call(self, account: BooksAccount) -> None:
        record = account.create(PERSON)
        customer = RecordId(record.partition("-")[0])
        before = account.calls()
        subjects = [Subject(PERSON, record), Subject(CUSTOMER, customer), Subject(PERSON, RecordId(f"{customer}-1"))]
        person, whole, nobody = await SOURCE.read(account.connection, subjects, account.api)
        assert account.calls() - before == 1
        assert isinstance(person, State) and isinstance(whole, State) and isinstance(nobody, State)
        assert (person.version, nobody.kind) == (whole.version, "deleted")
        assert PARTS.told(customer, whole.fields)[record] == person.fields

    async def test_is_not_gone_because_an_answer_tells_of_no_persons_at_all(self) -> None:
        without = {name: value for name, value in CONTACT.items() if name != "contact_persons"}
        api: Answers = found(datetime(2026, 5, 5, tzinfo=UTC), without)
        connection = connection_of(zoho_books.NAME, "c")
        (answer,) = await SOURCE.read(connection, [Subject(PERSON, RecordId("460000000099001-46"))], api)
        assert isinstance(answer, Rejected)

    async def test_of_a_customer_with_a_company_is_shown_by_a_call_for_each_such_customer(
        self, account: BooksAccount
    ) -> None:
        record, _ = account.everything(PERSON)
        account.create(CUSTOMER)
        customers = states_of([page async for page in SOURCE.pages(account.connection, CUSTOMER, None, account.api)])
        companies = sum(bool(one.fields["company"]) for one in customers)
        before = account.calls()
        pages = [page async for page in SOURCE.pages(account.connection, PERSON, None, account.api)]
        assert 0 < companies < len(customers)
        assert account.calls() - before == 1 + companies
        assert record in {state.record for state in states_of(pages)} and pages[-1].complete


class TestWhatACustomerTells:
    def test_is_each_person_with_what_is_the_customers(self) -> None:
        customer = {"company": "Alder", "updated_at": "t", "persons": [{"id": "1-2", "email": "a@b.c"}]}
        assert PARTS.told(RecordId("1"), customer) == {
            "1-2": {"id": "1-2", "email": "a@b.c", "company": "Alder", "updated_at": "t", "customer_id": "1"}
        }

    def test_is_nobody_where_it_tells_of_none(self) -> None:
        assert PARTS.told(RecordId("1"), {"company": "Alder"}) == {}
