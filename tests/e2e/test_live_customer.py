"""One customer travels from Zoho Books to the Mailchimp audience, through every service."""

from __future__ import annotations

from tests.e2e.road import Road


class TestLiveCustomer:
    def test_is_a_member_moments_after_it_was_created(self, road: Road) -> None:
        mark = road.mark()
        record = road.customer_created("ida@alder.example", first="Ida", last="Alder")
        road.wait_for_member("ida@alder.example", FNAME="Ida", LNAME="Alder", status="subscribed")
        road.wait_until_quiet()
        print([tuple(r) for r in road.journal_of(record)])
