"""What the sheets say of limits, hosts and credentials, as the door will use it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.http.profile import PERMIT_PATIENCE_S, Limit
from vendors import mailchimp, shopify, zoho_books, zoho_crm
from vendors.shopify import prices
from vendors.vendor import Vendor, connection_of

HOSTS = {
    "us": "www.zohoapis.com",
    "eu": "www.zohoapis.eu",
    "in": "www.zohoapis.in",
    "au": "www.zohoapis.com.au",
    "jp": "www.zohoapis.jp",
    "ca": "www.zohoapis.ca",
    "cn": "www.zohoapis.com.cn",
    "sa": "www.zohoapis.sa",
}


def books_limits(**details: str) -> dict[str, Limit]:
    connection = connection_of(zoho_books.NAME, "c", **{"dc": "eu", "organization_id": "42", **details})
    return {limit.name: limit for limit in zoho_books.VENDOR.profile.limits(connection)}


class TestShopify:
    def test_are_the_shops_points_and_a_few_calls_at_a_time(self) -> None:
        connection = connection_of(shopify.VENDOR.name, "c", shop="demo.myshopify.com")
        limits = {limit.name: limit for limit in shopify.VENDOR.profile.limits(connection)}
        assert {limit.key for limit in limits.values()} == {"shopify:demo.myshopify.com"}
        assert (limits["at_once"].ours, limits["points"].ours, limits["points"].kept) == (8, 1_800, 540)
        assert (limits["points"].shape, limits["points"].window) == ("points", timedelta(seconds=20))
        # The dearest question fits into what a backfill may take of a standard shop's bucket.
        assert limits["points"].ours - limits["points"].kept > prices.MOST


class TestZohoBooks:
    @pytest.mark.parametrize(
        ("plan", "per_day", "at_once"),
        [
            ("Free", 1_000, 5),
            ("STANDARD", 2_000, 10),
            ("professional", 5_000, 10),
            ("Premium", 10_000, 10),
            ("Elite", 10_000, 10),
            ("Ultimate", 10_000, 10),
            ("", 1_000, 5),
            ("Something New", 1_000, 5),
        ],
    )
    def test_day_and_concurrency_by_plan(self, plan: str, per_day: int, at_once: int) -> None:
        limits = books_limits(plan_name=plan)

        assert (limits["minute"].count, limits["minute"].window) == (100, timedelta(minutes=1))
        assert (limits["day"].count, limits["concurrency"].count) == (per_day, at_once)

    def test_are_the_organisations_and_leave_a_tenth(self) -> None:
        limits = books_limits(plan_name="premium", time_zone="Asia/Kolkata")

        assert {limit.key for limit in limits.values()} == {"zoho-books:42"}
        assert [limit.ours for limit in limits.values()] == [90, 9_000, 9]
        assert limits["day"].resets_zone == "Asia/Kolkata"
        assert limits["day"].kept == 1_800

    def test_can_be_adjusted_per_connection(self) -> None:
        limits = books_limits(calls_per_minute="8", calls_per_day="300", calls_at_once="2", minute_shape="fixed")

        assert [limit.count for limit in limits.values()] == [8, 300, 2]
        assert limits["minute"].shape == "fixed"
        assert books_limits(calls_per_minute="lots")["minute"].count == 100

    @pytest.mark.parametrize(("dc", "host"), HOSTS.items())
    def test_each_data_centre_has_its_host(self, dc: str, host: str) -> None:
        profile = zoho_books.VENDOR.profile
        connection = connection_of(zoho_books.NAME, "c", dc=dc, organization_id="42")

        assert profile.base_url(connection, "") == f"https://{host}/books/v3"
        assert host in profile.hosts
        assert profile.base_url(connection, "http://127.0.0.1:1/zoho") == f"http://127.0.0.1:1/zoho/{dc}/api/books/v3"

    def test_every_call_names_the_organisation_but_the_list_of_them(self) -> None:
        profile = zoho_books.VENDOR.profile
        connection = connection_of(zoho_books.NAME, "c", dc="eu", organization_id="42")

        assert profile.query(connection, "/contacts/{contact}") == {"organization_id": "42"}
        assert profile.query(connection, "/organizations") == {}

    def test_the_horizon_lies_beyond_every_deadline(self) -> None:
        for vendor in (zoho_books.VENDOR, mailchimp.VENDOR):
            assert vendor.profile.horizon > timedelta(seconds=vendor.profile.timeouts.total)


def crm_limits(**details: str) -> dict[str, Limit]:
    connection = connection_of(zoho_crm.NAME, "c", **{"dc": "in", "org_id": "42", **details})
    return {limit.name: limit for limit in zoho_crm.VENDOR.profile.limits(connection)}


class TestZohoCrm:
    @pytest.mark.parametrize(
        ("edition", "licences", "credits", "at_once"),
        [
            ("free", "3", 5_000, 5),
            ("Standard", "5", 51_250, 10),
            ("standard", "1000", 100_000, 10),
            ("Professional", "40", 70_000, 15),
            ("enterprise", "40", 90_000, 20),
            ("Zoho One", "40", 90_000, 20),
            ("CRM Plus", "40", 130_000, 25),
            ("Something New", "40", 5_000, 5),
            ("", "", 5_000, 5),
        ],
    )
    def test_credits_by_edition_and_licences(self, edition: str, licences: str, credits: int, at_once: int) -> None:
        limits = crm_limits(edition=edition, licences=licences)
        assert (limits["minute"].count, limits["minute"].window) == (100, timedelta(minutes=1))
        assert (limits["day"].count, limits["concurrency"].count) == (credits // 2, at_once)

    def test_two_of_our_days_are_no_more_than_any_24_hours_of_the_vendor(self) -> None:
        """Spent at the end of one day and at the beginning of the next: all within an hour."""
        day = crm_limits(edition="free", time_zone="Asia/Kolkata")["day"]
        assert (day.shape, day.resets_zone) == ("daily", "Asia/Kolkata")
        assert 2 * day.ours <= 0.9 * 5_000

    def test_are_the_accounts_and_can_be_adjusted(self) -> None:
        limits = crm_limits(calls_per_minute="8", credits_per_day="300", calls_at_once="2")
        assert {limit.key for limit in limits.values()} == {"zoho-crm:42"}
        assert [limit.count for limit in limits.values()] == [8, 150, 2]
        assert crm_limits(calls_per_minute="lots")["minute"].count == 100

    @pytest.mark.parametrize(("dc", "host"), HOSTS.items())
    def test_each_data_centre_has_its_host(self, dc: str, host: str) -> None:
        profile = zoho_crm.VENDOR.profile
        connection = connection_of(zoho_crm.NAME, "c", dc=dc, org_id="42")
        assert profile.base_url(connection, "") == f"https://{host}/crm/v8"
        assert host in profile.hosts
        assert profile.base_url(connection, "http://127.0.0.1:1/zoho") == f"http://127.0.0.1:1/zoho/{dc}/api/crm/v8"


class TestMailchimp:
    def test_takes_eight_of_the_logins_ten_connections(self) -> None:
        one = connection_of(mailchimp.NAME, "a", dc="us6", login_id="7")
        other = connection_of(mailchimp.NAME, "b", dc="us6", login_id="7")
        (limit,) = mailchimp.VENDOR.profile.limits(one)

        assert (limit.ours, limit.reserved, limit.spare) == (8, 2, 1)
        assert limit.key == mailchimp.VENDOR.profile.limits(other)[0].key
        assert limit.lingers == timedelta(seconds=120)

    def test_the_host_follows_from_the_data_centre(self) -> None:
        profile = mailchimp.VENDOR.profile
        connection = connection_of(mailchimp.NAME, "a", dc="us6")

        assert profile.base_url(connection, "") == "https://us6.api.mailchimp.com/3.0"
        assert profile.base_url(connection, "http://127.0.0.1:1/mailchimp") == "http://127.0.0.1:1/mailchimp/us6/3.0"
        assert profile.hosts == {"*.api.mailchimp.com"}


class TestHorizon:
    @pytest.mark.parametrize(
        "vendor", [mailchimp.VENDOR, zoho_books.VENDOR, zoho_crm.VENDOR], ids=lambda vendor: vendor.name
    )
    def test_covers_everything_that_a_call_may_take(self, vendor: Vendor) -> None:
        # R2: from the intent on, a call waits for its permit, is out as a whole (test_door), and may go on at the vendor; then reads lag, and
        # processes pause.
        profile = vendor.profile
        ours = timedelta(seconds=PERMIT_PATIENCE_S + profile.timeouts.out)
        theirs = mailchimp.limits.VENDOR_TIMEOUT if vendor is mailchimp.VENDOR else timedelta(seconds=60)
        assert profile.horizon >= ours + theirs + profile.read_lag + timedelta(seconds=30)
        # Our own patience with an answer ends before somebody else looks.
        assert profile.horizon >= timedelta(seconds=PERMIT_PATIENCE_S + profile.timeouts.total) + profile.read_lag
        assert profile.read_lag > timedelta(0)

    @pytest.mark.parametrize(
        ("vendor", "seconds"), [(mailchimp.VENDOR, 210), (zoho_books.VENDOR, 170)], ids=["mailchimp", "zoho-books"]
    )
    def test_is_no_longer_than_its_argument(self, vendor: Vendor, seconds: int) -> None:
        """Decision 31: each second of it keeps accepted records waiting after a crash."""
        assert vendor.profile.horizon == timedelta(seconds=seconds)
