"""What is written of a customer of Books that is edited elsewhere too: by the link, as it was judged, and nothing of a shop's habits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from common.failures import Rejected
from vendors.absorbing import ActDone, Refused, SameAsWished
from vendors.acts import Act, Done, Look, NeedFacts, Nothing, Step, Work, key_of_id
from vendors.target_record import TargetRecord
from vendors.zoho_books import contact_plan
from vendors.zoho_books.contact_plan import PARTS_OF_ADDRESS
from vendors.zoho_books.contacts import ContactTarget
from vendors.zoho_books.errors import ZB_NAME_TAKEN
from vendors.zoho_books.organisation_facts import CURRENCIES, OrganisationFacts, UniqueField

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LINK = key_of_id("46")
NOWHERE = dict.fromkeys(PARTS_OF_ADDRESS)
THERE = {
    "name": "Alder", "company": "Alder", "website": "https://alder.example", "email": None, "phone": None, "status": "active", "key": None,
    "billing": NOWHERE | {"street": "Gasse 1", "city": "Bern", "attention": "Ida"}, "shipping": NOWHERE,
}  # fmt: skip
FACTS = OrganisationFacts(
    unique={
        "contact": UniqueField("cf_external_id", "E"),
        "contact cf_zoho_crm_id": UniqueField("cf_zoho_crm_id", "CRM"),
    }
)
TARGET = ContactTarget()


def known(**more: Any) -> TargetRecord:
    """Entered in Books, before anybody wrote there."""
    return TargetRecord(exists=True, met=True, id="46", seen=THERE | more)


def step(record: TargetRecord, facts: object = FACTS, at: str = LINK, **document: Any) -> Step:
    return contact_plan.next_step(Work("present", document, at, known={at: record}), facts)


class TestWhoIsLinked:
    def test_gets_a_name_whoever_entered_it(self) -> None:
        act = step(known(), name="Alder & Sons", website="https://sons.example")
        assert isinstance(act, Act)
        assert (act.action, act.values) == ("update", {"name": "Alder & Sons", "website": "https://sons.example"})

    def test_is_not_called_by_what_else_is_written(self) -> None:
        act = step(known(person_id="7"), first_name="Ida", phone="1")
        assert isinstance(act, Act)
        assert (act.action, act.values) == ("person", {"first_name": "Ida", "phone": "1"})

    def test_is_emptied_where_the_pair_says_so_but_has_a_name(self) -> None:
        act = step(known(), name=None, website=None, billing=None)
        assert isinstance(act, Act)
        assert act.values == {"website": None, "billing": NOWHERE}

    def test_keeps_the_parts_of_an_address_that_the_other_side_does_not_know(self) -> None:
        act = step(known(), billing={"street": "Gasse 2", "city": None})
        assert isinstance(act, Act)
        assert act.values == {"billing": THERE["billing"] | {"street": "Gasse 2", "city": None}}  # type: ignore[operator]
        assert step(known(), billing={"street": "Gasse 1", "city": "Bern"}) == Nothing()

    def test_is_planned_anew_whatever_was_the_same_once(self) -> None:
        """An edit in Books is told by a webhook, and what is due to it then may have been wished before."""
        resting = TARGET.absorb(known(), SameAsWished({"website": "https://alder.example/new"})).record
        assert isinstance(step(resting, website="https://alder.example/new"), Act)

    def test_gets_the_other_system_s_id_with_a_write_where_the_field_is_that_system_s(self) -> None:
        act = step(known(), name="Elm", key="555", key_field="cf_zoho_crm_id")
        assert isinstance(act, Act)
        assert act.values == {"name": "Elm", "key": "555"} and act.memory["field"] == "cf_zoho_crm_id"
        without = step(known(), OrganisationFacts(), name="Elm", key="555", key_field="cf_zoho_crm_id")
        assert isinstance(without, Act) and without.values == {"name": "Elm"}


class TestATakenName:
    def test_gets_a_suffix_that_stays_and_is_no_edit(self) -> None:
        refused = TARGET.absorb(known(), Refused(Rejected(ZB_NAME_TAKEN.name, "taken"))).record
        act = step(refused, name="Elm", key="555")
        assert isinstance(act, Act) and act.values["name"] == "Elm (555)"
        done = ActDone(act, Done({"name": "Elm (555)"}, id="46"), NOW, NOW)
        after = TARGET.absorb(refused, done).record
        assert step(after, name="Elm", key="555") == Nothing()
        # The next name was refused to nobody yet.
        renamed = step(after, name="Birch", key="555")
        assert isinstance(renamed, Act) and renamed.values["name"] == "Birch"


class TestWhoIsMade:
    KEY = "cf_zoho_crm_id:555"

    def made(self, facts: object = FACTS, **document: Any) -> Step:
        nobody = TargetRecord(exists=False)
        return step(nobody, facts, self.KEY, **{"name": "Elm", "key": "555", "key_field": "cf_zoho_crm_id", **document})

    def test_is_found_by_the_field_that_the_mapping_names(self) -> None:
        match = TARGET.identify({"name": "Elm", "key": "555", "key_field": "cf_zoho_crm_id"})
        assert match is not None and match.value == self.KEY
        act = self.made()
        assert isinstance(act, Act) and act.values == {"name": "Elm", "key": "555"}

    def test_is_found_by_the_name_where_the_organisation_has_no_such_field(self) -> None:
        act = self.made(OrganisationFacts())
        assert isinstance(act, Act) and act.values == {"name": "Elm (555)"}

    def test_is_called_by_the_company_where_that_is_all_there_is(self) -> None:
        act = self.made(name=None, company="Elm GmbH")
        assert isinstance(act, Act) and act.values == {"name": "Elm GmbH", "company": "Elm GmbH", "key": "555"}

    def test_has_a_currency_once(self) -> None:
        lacking = self.made(currency="CHF")
        assert isinstance(lacking, NeedFacts) and lacking.lacking == {CURRENCIES}
        assert isinstance(lacking.otherwise, Rejected) and lacking.otherwise.code == "ZB_CURRENCY_UNKNOWN"
        act = self.made(OrganisationFacts(currencies={"CHF": "9"}, unique=FACTS.unique), currency="CHF")
        assert isinstance(act, Act) and (act.values["currency"], act.memory["currency"]) == ("CHF", "9")
        assert step(known(currency="EUR"), currency="CHF") == Nothing()


class TestACustomerOfAShop:
    def test_keeps_its_name_in_books_and_is_emptied_of_nothing(self) -> None:
        found = known(email="ida@ex.org", person_id="7")
        assert (
            step(found, FACTS, "ida@ex.org", email="ida@ex.org", name="Ida", website=None, first_name=None) == Nothing()
        )


class TestWhoWasNeverLookedAt:
    def test_is_looked_at_before_a_primary_person_is_made(self) -> None:
        """The pair has seen its fields, but whether it has a primary person no field of it says: two of them are a doubled person."""
        assert step(known(), mobile="+43 660 1") == Look(LINK)

    def test_gets_one_only_where_the_look_has_shown_none(self) -> None:
        for person, action in ((None, "add_person"), ("47001", "person")):
            record = known(person_id=person)
            work = Work("present", {"mobile": "+43 660 1"}, LINK, known={LINK: record}, fresh=frozenset([LINK]))
            act = contact_plan.next_step(work, FACTS)
            assert isinstance(act, Act) and act.action == action
