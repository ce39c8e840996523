"""Reading: windows of time, order, pages, filters and projections."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.mailchimp.vendor import Json, Vendor

START = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def dated(vendor: Vendor) -> Vendor:
    """Five members, changed ten seconds apart; the third then left."""
    vendor.sandbox.post("clock", {"at": START})
    for at in range(5):
        vendor.sandbox.post("clock", {"at": f"2026-01-01T00:00:{at * 10:02}+00:00"})
        vendor.add(f"m{at}@shop.example")
    vendor.sandbox.post("clock", {"at": "2026-01-01T00:02:00+00:00"})
    vendor.told("PATCH", vendor.member_path("m2@shop.example"), {"status": "unsubscribed"})
    return vendor


def numbers(told: Json) -> list[int]:
    members = told["members"]
    assert isinstance(members, list)
    return [int(member["email_address"][1]) for member in members]


def page(vendor: Vendor, **query: object) -> Json:
    return vendor.told("GET", f"/lists/{vendor.plain}/members", None, **query)


class TestWindows:
    def test_since_and_before_exclude_the_second_they_name(self, dated: Vendor) -> None:
        window = {"since_last_changed": "2026-01-01T00:00:10+00:00", "before_last_changed": "2026-01-01T00:00:40+00:00"}
        assert numbers(page(dated, **window)) == [3]
        assert numbers(page(dated, since_last_changed="2026-01-01T00:00:09Z")) == [1, 2, 3, 4]

    def test_a_plus_sign_may_come_unencoded(self, dated: Vendor) -> None:
        raw = f"{dated.api}/lists/{dated.plain}/members?since_last_changed=2026-01-01T00:00:30+00:00"
        assert dated.http.get(raw).json()["total_items"] == 2

    def test_a_window_holds_in_any_order(self, dated: Vendor) -> None:
        window = {"since_last_changed": "2026-01-01T00:00:20+00:00"}
        assert numbers(page(dated, **window, sort_field="timestamp_signup")) == [2, 3, 4]
        assert numbers(page(dated, **window, sort_field="last_changed")) == [3, 4, 2]

    def test_opt_in_has_a_window_of_its_own(self, dated: Vendor) -> None:
        assert numbers(page(dated, since_timestamp_opt="2026-01-01T00:00:25+00:00")) == [3, 4]

    def test_unsubscribed_since_needs_the_status(self, dated: Vendor) -> None:
        since = {"unsubscribed_since": "2026-01-01T00:01:00+00:00"}
        assert numbers(page(dated, status="unsubscribed", **since)) == [2]
        dated.refused(400, "GET", f"/lists/{dated.plain}/members", None, **since)

    @pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "1767225600"])
    def test_a_time_must_be_one(self, dated: Vendor, time: str) -> None:
        dated.refused(400, "GET", f"/lists/{dated.plain}/members", None, since_last_changed=time)


class TestOrderAndPages:
    def test_sorts_by_last_changed_both_ways(self, dated: Vendor) -> None:
        assert numbers(page(dated, sort_field="last_changed")) == [0, 1, 3, 4, 2]
        assert numbers(page(dated, sort_field="last_changed", sort_dir="DESC")) == [2, 4, 3, 1, 0]

    def test_pages_by_count_and_offset_and_counts_all(self, dated: Vendor) -> None:
        told = page(dated, sort_field="last_changed", count=2, offset=1)
        assert (numbers(told), told["total_items"]) == ([1, 3], 5)

    def test_gives_ten_unless_asked_and_a_thousand_at_most(self, vendor: Vendor) -> None:
        vendor.sandbox.post("seed", {"vendor": "mailchimp", "account": "demo", "size": 1200, "seed": 1})
        assert len(page(vendor)["members"]) == 10  # type: ignore[arg-type]
        assert len(page(vendor, count=1000)["members"]) == 1000  # type: ignore[arg-type]
        vendor.refused(400, "GET", f"/lists/{vendor.plain}/members", None, count=1001)

    @pytest.mark.parametrize("wrong", [{"count": "x"}, {"offset": "-1"}, {"sort_field": "email"}, {"sort_dir": "UP"}])
    def test_refuses_what_it_does_not_know(self, vendor: Vendor, wrong: dict[str, str]) -> None:
        vendor.refused(400, "GET", f"/lists/{vendor.plain}/members", None, **wrong)

    def test_filters_by_status_and_counts_the_archived_unless_told(self, dated: Vendor) -> None:
        dated.gone("DELETE", dated.member_path("m4@shop.example"))
        assert numbers(page(dated, status="subscribed")) == [0, 1, 3]
        assert numbers(page(dated, status="archived")) == [4]
        assert page(dated)["total_items"] == 5
        dated.refused(400, "GET", f"/lists/{dated.plain}/members", None, status="gone")


class TestProjection:
    def test_fields_keeps_only_what_it_names(self, dated: Vendor) -> None:
        told = page(dated, fields="members.email_address,members.stats.avg_open_rate,total_items", count=1)
        assert told == {
            "members": [{"email_address": "m0@shop.example", "stats": {"avg_open_rate": 0}}],
            "total_items": 5,
        }

    def test_exclude_fields_takes_out_what_it_names(self, dated: Vendor) -> None:
        told = page(dated, exclude_fields="members.merge_fields.FNAME,members._links,list_id", count=1)
        assert "list_id" not in told
        [member] = told["members"]  # type: ignore[misc]
        assert "_links" not in member
        assert "FNAME" not in member["merge_fields"]
        assert "LNAME" in member["merge_fields"]

    def test_never_both(self, dated: Vendor) -> None:
        dated.refused(400, "GET", f"/lists/{dated.plain}", None, fields="id", exclude_fields="name")


class TestAudience:
    def test_counts_its_members(self, dated: Vendor) -> None:
        stats = dated.told("GET", f"/lists/{dated.plain}", None, include_total_contacts=True)["stats"]
        assert isinstance(stats, dict)
        assert (stats["member_count"], stats["unsubscribe_count"], stats["total_contacts"]) == (4, 1, 5)

    def test_is_found_by_the_address_of_a_member(self, dated: Vendor) -> None:
        lists = dated.told("GET", "/lists", None, email="m0@shop.example")["lists"]
        assert [found["id"] for found in lists] == [dated.plain]  # type: ignore[attr-defined]
