"""One customer travels from Zoho Books to the Mailchimp audience, through every service."""

from __future__ import annotations

import time

from tests.e2e.road import CHAIN, Road
from tests.e2e.vendors import tags_of

ADDRESS = {"address": "Main Street 1", "city": "Vienna", "state": "Vienna", "zip": "1010", "country": "Austria"}


class TestLiveCustomer:
    def test_is_a_member_with_every_field_that_the_template_maps(self, road: Road) -> None:
        road.customer_created(
            "ida@alder.example", first="Ida", last="Alder", company_name="Alder & Co", billing_address=ADDRESS,
            shipping_address={"city": "Graz"},
        )  # fmt: skip
        member = road.wait_for_member("ida@alder.example", FNAME="Ida", LNAME="Alder", status="subscribed")
        fields = member["merge_fields"]
        assert fields["COMPANY"] == "Alder & Co"
        assert (fields["ADDRESS"]["addr1"], fields["ADDRESS"]["zip"]) == ("Main Street 1", "1010")
        assert not fields["SHIPPING"], "an address that is not complete is left out"
        assert tags_of(member) == {"currency: EUR"}

    def test_tells_its_way_step_by_step_with_before_and_after_and_one_trace(self, road: Road) -> None:
        record = road.customer_created("way@alder.example", first="Ida")
        road.wait_for_member("way@alder.example", FNAME="Ida")
        road.wait_until_quiet()
        time.sleep(1.1)  # a new second of the vendor, so that the edit is newer by its own stamp
        road.books.person_edited(record, "way@alder.example", first="Eda")
        road.wait_for_member("way@alder.example", FNAME="Eda")
        road.wait_until_quiet()
        rows = road.journal_of(record, *CHAIN)
        assert [row["step"] for row in rows] == [*CHAIN, *CHAIN]
        for way in (rows[:4], rows[4:]):
            assert len({row["trace_id"] for row in way}) == 1
            assert way[0]["trace_id"]
        created, edited = rows[3], rows[7]
        assert created["after"]["merge.FNAME"] == "Ida"
        assert created["after"]["standing"] == "subscribed"
        assert (edited["before"], edited["after"]) == ({"merge.FNAME": "Ida"}, {"merge.FNAME": "Eda"})
        assert edited["patch"] == [{"op": "replace", "path": "/merge.FNAME", "value": "Eda"}]
        assert rows[0]["trace_id"] != rows[4]["trace_id"]

    def test_takes_its_new_address_along_and_leaves_the_old_one(self, road: Road) -> None:
        record = road.customer_created("old@alder.example")
        road.wait_for_member("old@alder.example")
        road.wait_until_quiet()
        time.sleep(1.1)
        road.books.person_edited(record, "new@alder.example")
        road.wait_for_member("new@alder.example", status="subscribed")
        road.wait_for_no_member("old@alder.example")

    def test_who_left_before_is_not_subscribed_under_a_new_address(self, road: Road) -> None:
        record = road.customer_created("left@alder.example")
        road.wait_for_member("left@alder.example")
        road.wait_until_quiet()
        road.audience.person("unsubscribe", "left@alder.example")
        told = "select count(*) from flow.activity where record = $1 and kind = 'unsubscribed' and source = 'event'"
        road.until(lambda: road.sql.value(told, record) == 1, "it is told of the customer")
        time.sleep(1.1)
        road.books.person_edited(record, "left-new@alder.example")
        road.wait_for_member("left-new@alder.example", status="unsubscribed")

    def test_is_archived_when_it_is_deleted_and_nothing_is_left_of_it(self, road: Road) -> None:
        record = road.customer_created("gone@alder.example")
        road.wait_for_member("gone@alder.example")
        road.wait_until_quiet()
        road.books.customer_deleted(record)
        road.wait_for_member("gone@alder.example", status="archived")

    def test_is_marked_when_it_is_deactivated(self, road: Road) -> None:
        record = road.customer_created("quiet@alder.example")
        road.wait_for_member("quiet@alder.example")
        road.wait_until_quiet()
        time.sleep(1.1)
        road.books.customer_deactivated(record)
        road.until(
            lambda: "inactive" in tags_of(road.audience.member("quiet@alder.example") or {"tags": ()}), "the tag"
        )
        assert road.audience.member("quiet@alder.example")["status"] == "subscribed"  # type: ignore[index]

    def test_without_an_address_is_told_as_left_out_and_comes_when_it_has_one(self, road: Road) -> None:
        record = road.customer_created("")
        road.wait_until_quiet()
        road.until(lambda: road.journal_of(record, "filtered"), "the reason in the journal")
        assert road.journal_of(record, "filtered")[0]["reason"] == "no_email"
        time.sleep(1.1)
        road.books.person_edited(record, "late@alder.example")
        road.wait_for_member("late@alder.example")

    def test_shares_a_member_with_whoever_has_the_same_address(self, road: Road) -> None:
        first = road.customer_created("shared@alder.example", first="Ada")
        road.wait_for_member("shared@alder.example", FNAME="Ada")
        road.wait_until_quiet()
        second = road.customer_created("Shared@alder.example", first="Bea")
        road.wait_until_quiet()
        assert (road.audience.member("shared@alder.example") or {})["merge_fields"]["FNAME"] == "Ada"
        assert road.journal_of(second, "skipped")[-1]["reason"] == "shares_target"
        road.books.customer_deleted(first)
        road.wait_for_member("shared@alder.example", FNAME="Bea", status="subscribed")


class TestPausedSync:
    def test_holds_what_comes_and_lets_it_go_in_its_order(self, road: Road) -> None:
        known = road.customer_created("held@alder.example", first="Before")
        road.wait_for_member("held@alder.example")
        road.wait_until_quiet()
        mark = road.mark()
        road.paused()
        records = [known]
        for number in range(3):
            time.sleep(1.1)
            records.append(road.customer_created(f"held{number}@alder.example"))
            road.books.person_edited(known, "held@alder.example", first=f"Edit{number}")
            road.until(lambda: len(road.journal_of(known, "mapped")) == number + 2, "the edit is judged")  # noqa: B023
        time.sleep(1)
        assert road.writes_since(mark) == []
        road.resumed()
        road.wait_until_quiet()
        road.wait_for_member("held@alder.example", FNAME="Edit2")
        applied = road.sql.rows("select record, revision from flow.journal where id > $1 and step = 'applied' order by id", mark.journal)  # fmt: skip
        of_known = [row["revision"] for row in applied if row["record"] == known]
        assert of_known == [4], "three edits while it waited are one write"
        assert [row["record"] for row in applied if row["record"] != known] == records[1:]
