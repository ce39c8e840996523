"""What holds of QuickBooks alone: which reads are made, what is a customer, what changes leave out, and that no amount gets out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from common.contracts.facts import AUDIENCE_EVENT
from common.contracts.ids import RecordId
from common.contracts.messages import Version
from common.failures import Rejected
from common.http.call import Call, VendorAnswer
from tests.contract.vendors.account import AT, Answering
from tests.contract.vendors.quickbooks import account
from tests.contract.vendors.quickbooks.account import CompanyAccount
from tests.support.sandbox import SandboxProcess
from vendors import quickbooks
from vendors.quickbooks.client import BATCH
from vendors.quickbooks.listing import CUSTOMER
from vendors.vendor import Announcement, Cursor, Page, State, Subject, connection_of


def row(number: int) -> dict[str, Any]:
    changed = (AT - timedelta(hours=1)).isoformat()
    return {
        "Id": str(number),
        "SyncToken": "0",
        "DisplayName": f"C {number}",
        "Active": True,
        "MetaData": {"LastUpdatedTime": changed},
    }


SOURCE = quickbooks.QuickBooksSource()
PLANTED = ("4815162", "23421.08", "99913.37")


@pytest.fixture
async def company(sandbox: SandboxProcess) -> AsyncIterator[CompanyAccount]:
    async with account.opened(sandbox) as opened:
        yield opened


async def listed(company: CompanyAccount, since: Cursor | None = None) -> list[Page]:
    return [page async for page in SOURCE.pages(company.connection, CUSTOMER, since, company.api)]


async def told(company: CompanyAccount, since: Cursor | None = None) -> dict[RecordId, State]:
    return {state.record: state for page in await listed(company, since) for state in page.states}


async def read(company: CompanyAccount, *records: str, heard: Version | None = None) -> Sequence[Any]:
    announced = Announcement(heard, {}) if heard else None
    subjects = [Subject(CUSTOMER, RecordId(one), announced) for one in records]
    return await SOURCE.read(company.connection, subjects, company.api)


def asked(company: CompanyAccount) -> list[str]:
    return [call.operation for call, _ in company.api.answers]


async def settled(company: CompanyAccount) -> Cursor:
    company.advance(300)
    found = (await listed(company))[-1].next
    assert found is not None
    return found


class TestReads:
    async def test_one_alone_is_read_at_once_and_many_thirty_a_call(self, company: CompanyAccount) -> None:
        company.fill(CUSTOMER, 65)
        records = sorted(await told(company))
        company.api.answers.clear()
        await read(company, records[0])
        assert asked(company) == ["customers.read"]
        company.api.answers.clear()
        found = await read(company, *records)
        assert asked(company) == ["customers.some"] * 3
        assert [one.record for one in found] == records

    async def test_inactive_ones_are_among_them_and_who_is_missing_is_gone(self, company: CompanyAccount) -> None:
        records = [company.create(DisplayName=name) for name in ("Ada", "Grace", "Linus")]
        company.edit(CUSTOMER, records[1], Active=False)
        company.people("merge", **{"from": records[2], "into": records[0]})
        company.api.answers.clear()
        ada, grace, linus = await read(company, *records)
        assert (ada.fields["status"], grace.fields["status"], grace.fields["name"]) == ("active", "inactive", "Grace")
        assert (linus.kind, linus.coverage) == ("deleted", "gone")
        # The one that the query did not show, and no other.
        assert asked(company) == ["customers.some"]

    async def test_row_that_is_older_than_what_was_heard_is_read_by_id(self, company: CompanyAccount) -> None:
        records = [company.create(), company.create()]
        company.advance(60)
        company.lag(30)
        company.edit(CUSTOMER, records[0], FamilyName="Holm")
        behind, _ = await read(company, *records)
        assert behind.fields["last_name"] is None
        (now,) = await read(company, records[0])
        edited, _ = await read(company, *records, heard=Version(stamp=now.version.stamp, settled=False))
        assert (edited.fields["last_name"], edited.version.stamp) == ("Holm", now.version.stamp)


class TestVersions:
    async def test_edits_of_one_second_are_ordered_by_the_vendor_s_count(self, company: CompanyAccount) -> None:
        record = company.create()
        states = []
        for _ in range(3):
            company.edit(CUSTOMER, record)
            states += await read(company, record)
        assert [state.version.count for state in states] == [1, 2, 3]
        assert [state.version.sequence for state in states] == sorted(state.version.sequence for state in states)

    @pytest.mark.parametrize("token", [None, 3, "", "x", "-1"])
    def test_row_without_a_count_is_read_by_id(self, token: Any) -> None:
        told = row(1) | {"SyncToken": token}
        answer = VendorAnswer(200, {}, b"", AT, "", 0.0)
        assert quickbooks.listing.row_state(told, answer).kind == "asked"


class TestCustomers:
    async def test_projects_are_nobody_to_write_to(self, company: CompanyAccount) -> None:
        parent = company.create(DisplayName="Ada", PrimaryEmailAddr={"Address": "ada@example.org"})
        project = company.people("project", parent=parent, name="Kitchen")["Id"]
        job = company.create(DisplayName="Garden", Job=True, ParentRef={"value": parent}, BillWithParent=True)
        assert {one: state.fields["level"] for one, state in (await told(company)).items()} == {parent: 0, job: 1}
        assert [one.kind for one in await read(company, parent, project)] == ["changed", "deleted"]
        assert [one.kind for one in await read(company, project)] == ["deleted"]

    @pytest.mark.parametrize(
        ("written", "email"),
        [
            ("Ada@Example.org", "ada@example.org"),
            ("ada@example.org, office@example.org", "ada@example.org"),
            (" , ada@example.org", "ada@example.org"),
            (" ", None),
            (None, None),
        ],
    )
    def test_address_is_the_first_of_several_in_small_letters(self, written: str | None, email: str | None) -> None:
        row = {"Id": "1", "DisplayName": "Ada", "PrimaryEmailAddr": {"Address": written}}
        assert quickbooks.wire.customer(row)["email"] == email

    @pytest.mark.parametrize(("active", "name"), [(True, "Ada (deleted)"), (False, "Ada")])
    def test_deleted_is_cut_off_where_the_vendor_has_put_it(self, active: bool, name: str) -> None:
        row = {"Id": "1", "DisplayName": "Ada (deleted)", "Active": active}
        assert quickbooks.wire.customer(row)["name"] == name


class TestChanges:
    @pytest.mark.parametrize("merged", ["deleted", "inactive"])
    async def test_who_was_merged_away_is_asked_for_whichever_way_it_is_told(
        self, company: CompanyAccount, merged: str
    ) -> None:
        company.switch(merged_in_cdc=merged)
        loser, survivor = company.create(), company.create()
        cursor = await settled(company)
        company.people("merge", **{"from": loser, "into": survivor})
        found = await told(company, cursor)
        assert (found[loser].kind, found[survivor].kind) == ("asked", "changed")
        assert [one.kind for one in await read(company, loser)] == ["deleted"]

    @pytest.mark.parametrize(("many", "calls"), [(999, ["changes"]), (1_000, ["changes", "list", "list"])])
    async def test_full_answer_is_followed_by_the_whole_company(self, many: int, calls: list[str]) -> None:
        """Of more than a thousand the vendor does not say whom it has left out, be it somebody who is gone."""
        made: list[str] = []

        def answer(call: Call) -> tuple[int, bytes]:
            made.append(call.operation.removeprefix("customers."))
            start = 1 if made[-1] == "changes" else int(call.query["query"].split()[-3])
            count = many if made[-1] == "changes" else 1_000 if start == 1 else 7
            told = {"Customer": [row(start + number) for number in range(count)]}
            found = {"CDCResponse": [{"QueryResponse": [told]}]} if made[-1] == "changes" else {"QueryResponse": told}
            return 200, json.dumps(found).encode()

        api = Answering(quickbooks.VENDOR.profile, answer)
        cursor = Cursor(json.dumps({"since": (AT - timedelta(days=1)).isoformat()}))
        connection = connection_of(quickbooks.NAME, "c", realm_id="12")
        pages = [page async for page in SOURCE.pages(connection, CUSTOMER, cursor, api)]
        assert made == calls
        # Whoever is known, and in none of the pages of a whole one, is asked for.
        assert pages[-1].complete == (many == 1_000)
        assert (pages[0].next is None) == (many == 1_000)

    @pytest.mark.parametrize("too_old", ["cut", "refused"])
    async def test_more_than_the_vendor_remembers_is_the_whole_company(
        self, company: CompanyAccount, too_old: str
    ) -> None:
        company.switch(cdc_too_old=too_old)
        early = company.create()
        cursor = await settled(company)
        company.edit(CUSTOMER, early, FamilyName="Holm")
        company.advance(31 * 86_400)
        pages = await listed(company, cursor)
        (state,) = pages[-1].states
        assert (state.fields["last_name"], pages[-1].complete) == ("Holm", True)

    async def test_cursor_of_a_quiet_company_is_carried_on_before_it_is_forgotten(
        self, company: CompanyAccount
    ) -> None:
        company.create()
        cursor = await settled(company)
        for _ in range(3):
            company.advance(20 * 86_400)
            (page,) = await listed(company, cursor)
            assert page.next not in (None, cursor)
            cursor = Cursor(str(page.next))

    async def test_refusal_that_has_another_reason_is_one(self, company: CompanyAccount) -> None:
        company.create()
        cursor = await settled(company)
        company.people("lapse")
        with pytest.raises(Rejected) as caught:
            await listed(company, cursor)
        assert (caught.value.code, caught.value.about) == ("QB_COMPANY_ENDED", "account")


class TestNoAmount:
    async def test_nothing_that_is_told_of_a_customer_has_one(self, company: CompanyAccount) -> None:
        """What is owed, what a job owes, and what was owed before the books began."""
        parent = company.create(DisplayName="Ada", Balance=int(PLANTED[0]), OpenBalanceDate="2026-01-01")
        job = company.create(DisplayName="Garden", Job=True, ParentRef={"value": parent})
        cursor = await settled(company)
        for customer, amount in zip((parent, job), PLANTED[1:], strict=True):
            company.people("invoice", customer=customer, amount=amount)
            company.edit(CUSTOMER, RecordId(customer))
        company.api.answers.clear()
        states = [*(await told(company)).values(), *(await told(company, cursor)).values()]
        states += [*await read(company, parent, job), *await read(company, parent)]
        bytes_of_theirs = b"".join(answer.body for _, answer in company.api.answers)
        assert PLANTED[2].encode() in bytes_of_theirs, "the books tell of it, or this shows nothing"
        said = json.dumps([asdict(state) for state in states], default=str)
        assert [amount for amount in PLANTED if amount in said] == []
        assert all("outstanding" not in state.fields for state in states)

    def test_no_mapping_can_name_one(self) -> None:
        fields = quickbooks.catalogue.CUSTOMERS.fields
        assert [field.path for field in fields if field.type == "money"] == []
        assert set(SOURCE.entities) == {CUSTOMER}
        # What else can be told of a customer are its events at an audience.
        assert set(SOURCE.feeds) == {AUDIENCE_EVENT}


class TestConnection:
    def test_page_and_ping_name_the_company(self) -> None:
        connection = connection_of(quickbooks.NAME, "c", realm_id="12")
        assert quickbooks.page(connection, CUSTOMER, RecordId("7")).endswith("/customerdetail?nameId=7")
        assert quickbooks.ping(connection).path == {"realm": "12"}
        assert SOURCE.polled_every == timedelta(minutes=30)

    @pytest.mark.parametrize("details", [{}, {"realm_id": "12/13"}, {"realm_id": "12", "environment": "elsewhere"}])
    def test_none_that_names_no_company_leads_anywhere(self, details: dict[str, str]) -> None:
        with pytest.raises(Exception, match="names no company"):
            quickbooks.VENDOR.profile.base_url(connection_of(quickbooks.NAME, "c", **details), "")

    def test_calls_count_by_their_kind_and_only_reads_against_the_month(self) -> None:
        connection, profile = connection_of(quickbooks.NAME, "c", realm_id="12"), quickbooks.VENDOR.profile
        of_all = {limit.name: (limit.count, limit.window.total_seconds()) for limit in profile.limits(connection)}
        calls = {"minute": (500, 60), "second": (10, 1), "everything": (800, 60), "at_once": (10, 0)}
        month = {"reads": (500_000, 0), "company_reads": (500_000, 0)}
        assert of_all == calls | month
        some = profile.limits(connection, quickbooks.queries.some(["1"]))
        assert {limit.name for limit in some} == {*calls, *month}
        written = profile.limits(connection, Call("POST", BATCH, "notes.write", json={"BatchItemRequest": []}))
        assert {limit.name for limit in written} == {*calls, "batches", "batches_of_all"}
