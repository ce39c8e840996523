"""The rules by which records are matched: what each of them says, and what is read before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, SyncId, VendorName
from common.contracts.matching import mistakes, rules_of
from common.contracts.syncs import Leg, MappingDefinition, MappingRow, Sync
from common.state.configuration import Configuration
from common.state.polls import Polled
from ingest.poll_sources import wanted_sources
from mapper.matching import Asked, Heir, Known, Match, Partner, Sharing, Standing, decide

ADDRESS = {"left": "email", "right": "email", "unique": True}
NUMBER = {"left": "id", "right": "ref"}
PERSONS = ADDRESS | {"through": {"entity": "person", "by": "customer_id", "side": "right"}}


def leg(name: str, direction: Any, *ends: str, match: list[Any] | None = None) -> Leg:
    definition = MappingDefinition(
        1, (MappingRow("email", "email"),), key="email", options={"match": match} if match else {}
    )
    there, what, back, other = (*ends,)
    return Leg(
        SyncId("s"), Entity(name), direction, ConnectionId(there), Entity(what), "", ConnectionId(back), Entity(other), "", "state", definition
    )  # fmt: skip


def decided(rules: list[Any], standing: dict[str, Standing] | None = None, **known: Any) -> Match | Asked | None:
    forward = leg("a", "forward", "books", "customer", "crm", "customer", match=rules)
    free: Standing = "free"
    return decide("1", "left", Known(**known), rules_of(forward), lambda _, id: (standing or {}).get(id, free))


def sharing(theirs: str, ours: str = "1") -> Sharing:
    return Sharing(frozenset(ours), frozenset(theirs))


class TestARule:
    def test_links_two_that_have_nobody_else(self) -> None:
        found = decided([NUMBER, ADDRESS], sharing={"email = email": sharing("7")})
        assert isinstance(found, Match)
        assert (found.id, found.rule) == ("7", "email = email")

    @pytest.mark.parametrize(("theirs", "ours"), [("78", "1"), ("7", "12"), ("", "12")])
    def test_asks_where_an_address_is_shared(self, theirs: str, ours: str) -> None:
        found = decided([ADDRESS], sharing={"email = email": sharing(theirs, ours)})
        assert isinstance(found, Asked)
        assert (found.kind, "".join(found.ours), "".join(found.theirs)) == ("match", ours, theirs)

    def test_that_is_not_unique_passes_over_one_who_is_taken(self) -> None:
        both = {"id = ref": sharing("9"), "email = email": sharing("7")}
        found = decided([NUMBER, ADDRESS], {"9": "taken"}, sharing=both)
        assert isinstance(found, Match)
        assert found.id == "7"

    def test_that_is_unique_asks_about_one_who_is_taken(self) -> None:
        assert isinstance(decided([ADDRESS], {"7": "taken"}, sharing={"email = email": sharing("7")}), Asked)

    @pytest.mark.parametrize(
        ("theirs", "ours", "kind"), [("7", "1", "merge"), ("78", "1", "match"), ("7", "12", "match")]
    )
    def test_proposes_one_whose_counterpart_may_have_been_merged_into_it(
        self, theirs: str, ours: str, kind: str
    ) -> None:
        found = decided([ADDRESS], {"7": "left_behind"}, sharing={"email = email": sharing(theirs, ours)})
        assert isinstance(found, Asked)
        assert (found.kind, "".join(found.theirs)) == (kind, theirs)

    def test_leaves_one_that_is_being_written_to_the_lease_of_its_match(self) -> None:
        assert decided([ADDRESS], {"7": "busy"}, sharing={"email = email": sharing("7")}) is None

    @pytest.mark.parametrize(("old", "told", "asks"), [(True, False, True), (True, True, False), (False, False, False)])
    def test_asks_about_one_that_was_there_before_and_is_known_by_nothing(
        self, old: bool, told: bool, asks: bool
    ) -> None:
        assert isinstance(decided([ADDRESS], old=old, told=told), Asked) == asks


class TestOneThatHasLeftAnotherLeg:
    PAIRED = (Partner("customer", "4"),)

    @pytest.mark.parametrize("known", [{}, {"sharing": {"email = email": sharing("7")}}])
    def test_is_asked_about_and_neither_made_nor_linked(self, known: Any) -> None:
        found = decided([ADDRESS], elsewhere=self.PAIRED, **known)
        assert isinstance(found, Asked)
        assert (found.kind, found.ours, found.elsewhere) == ("match", ("1",), self.PAIRED)
        assert list(found.theirs) == [id for one in known.get("sharing", {}).values() for id in one.theirs]

    def test_is_linked_where_it_belongs_to_its_counterpart_now(self) -> None:
        alike = {"email = email": sharing("7")}
        assert isinstance(decided([ADDRESS], sharing=alike, elsewhere=self.PAIRED, is_at_home=True), Match)
        assert isinstance(decided([ADDRESS], elsewhere=self.PAIRED, is_at_home=True), Asked)

    def test_is_no_candidate_that_links(self) -> None:
        found = decided([ADDRESS], sharing={"email = email": sharing("7")}, moved=frozenset("7"))
        assert isinstance(found, Asked)
        assert (found.ours, found.theirs, found.elsewhere) == (("1",), ("7",), ())

    def test_goes_to_the_one_below_who_has_its_value(self) -> None:
        found = decided([ADDRESS], heir=Heir("7", "email = email"))
        assert isinstance(found, Match)
        assert found.id == "7"

    @pytest.mark.parametrize(("heir", "theirs"), [(Heir("7"), ["7"]), (Heir("8", "email = email"), ["7", "8"])])
    def test_is_asked_about_where_nothing_or_several_say_who_it_is(self, heir: Heir, theirs: list[str]) -> None:
        alike = {"email = email": sharing("7")} if len(theirs) > 1 else {}
        found = decided([ADDRESS], sharing=alike, heir=heir)
        assert isinstance(found, Asked)
        assert list(found.theirs) == theirs

    def test_that_somebody_else_has_taken_over_is_nothing_any_more(self) -> None:
        assert decided([ADDRESS], {"7": "taken"}, heir=Heir("7")) is None


class TestOptions:
    @pytest.mark.parametrize(
        "match",
        ["email", [{"left": "email"}], [ADDRESS | {"unique": "yes"}], [ADDRESS | {"through": {"entity": "person"}}]],
    )
    def test_that_are_wrong_are_told(self, match: Any) -> None:
        assert [name for name, _ in mistakes({"match": match})] == ["match"]

    def test_that_say_to_whom_records_belong_and_not_by_what_they_match_are_told(self) -> None:
        assert [name for name, _ in mistakes({"parent": {"leg": "account", "by": "customer_id"}})] == ["parent"]
        assert list(mistakes({"match": [ADDRESS, NUMBER, PERSONS], "parent": {"leg": "a", "by": "b"}})) == []


class TestWhatIsReadFirst:
    def test_is_both_sides_and_whoever_tells_of_them(self) -> None:
        legs = (
            leg("account", "forward", "books", "customer", "crm", "customer", match=[ADDRESS, PERSONS]),
            leg("account-back", "back", "crm", "customer", "books", "customer"),
            leg("contact-back", "back", "crm", "person", "books", "customer"),
            leg("deal", "back", "crm", "deal", "books", "customer"),
        )
        sync = Sync(
            SyncId("s"), "s", "t", ConnectionId("books"), ConnectionId("crm"), "active", {one.name: one for one in legs}
        )
        made = [
            Connection(ConnectionId(id), VendorName(vendor), id, "active", {}, frozenset())
            for id, vendor in (("books", "zoho-books"), ("crm", "zoho-crm"))
        ]
        configuration = Configuration(1, {one.id: one for one in made}, {sync.id: sync})
        _, first = wanted_sources(configuration)
        kinds = {(one.connection, one.entity) for one in first}
        assert kinds == {("books", "customer"), ("crm", "customer"), ("crm", "person")}
        assert all(isinstance(one, Polled) for one in first)
