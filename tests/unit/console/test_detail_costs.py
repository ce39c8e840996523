"""What reading records one by one costs: by the minute as long as a day's share has room, else by days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.ids import VendorName
from common.http.day_share import reads_share
from console.use_cases.detail_costs import DetailCost, detail_cost
from vendors.registry import vendor_named
from vendors.vendor import connection_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BOOKS, CHIMP = vendor_named(VendorName("zoho-books")), vendor_named(VendorName("mailchimp"))
FREE = connection_of(BOOKS.name, "books", organization_id="o", plan_name="free", time_zone="Europe/Berlin")


class TestTheShareOfADay:
    def test_is_a_third_of_what_is_ours_and_ends_where_the_account_is(self) -> None:
        share = reads_share(BOOKS.profile.limits(FREE), NOON)
        assert share is not None and share.calls == 300
        assert share.ends == datetime(2026, 5, 4, 22, tzinfo=UTC) + timedelta(seconds=5)

    def test_is_none_where_no_day_is_counted(self) -> None:
        assert reads_share(CHIMP.profile.limits(connection_of(CHIMP.name, "chimp", dc="us1")), NOON) is None


class TestACost:
    @pytest.mark.parametrize(("calls", "seconds"), [(90, 60.0), (300, 200.0), (301, 86_400.0), (5_000, 16 * 86_400.0)])
    def test_takes_minutes_or_days(self, calls: int, seconds: float) -> None:
        assert detail_cost(BOOKS, FREE, calls, NOON) == DetailCost(calls, 300, seconds)

    def test_adds_up_and_leaves_out_who_has_none(self) -> None:
        one, other = DetailCost(10, 300, 60.0), DetailCost(20, None, 5.0)
        assert one + other + DetailCost(0, 5, 0.0) == DetailCost(30, 300, 65.0)

    def test_is_said_in_a_sentence(self) -> None:
        said = detail_cost(BOOKS, FREE, 5_000, NOON).sentence({"shipping", "billing"})
        assert (
            "billing, shipping" in said and "5000 are to be read now; at most 300 of them a day: about 16 days" in said
        )
        assert "at most 300 of them a day." in detail_cost(BOOKS, FREE, 0, NOON).sentence({"billing"})
