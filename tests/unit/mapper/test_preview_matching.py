"""Before anything is written: who of both sides are one, who has to be asked about, and whom the other side gets."""

from __future__ import annotations

from typing import Any

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.syncs import Leg, Sync
from common.state.configuration import Configuration
from mapper.mapping.definitions import read_definition, template
from mapper.mappings import Mappings
from mapper.preview_matching import LegMatches, Links, matches
from mapper.state import RecordState
from mapper.state_rows import Key
from vendors import zoho_books, zoho_crm

BOOKS, CRM = ConnectionId("books"), ConnectionId("crm")
CUSTOMER, PERSON, ACCOUNT, CONTACT = Entity("customer"), Entity("person"), Entity("account"), Entity("contact")


def leg(given: dict[str, Any]) -> Leg:
    ends = (BOOKS, CRM) if given.get("direction", "forward") == "forward" else (CRM, BOOKS)
    return Leg(
        SyncId("people"), Entity(given["name"]), given.get("direction", "forward"), ends[0], Entity(given["source"]["entity"]), "",
        ends[1], Entity(given["target"]["entity"]), "", "state", read_definition(1, given),
    )  # fmt: skip


LEGS = {one.name: one for one in map(leg, template("zoho-books-zoho-crm")["legs"])}
SYNC = Sync(SyncId("people"), "people", "", BOOKS, CRM, "active", LEGS)
CONFIGURATION = Configuration(
    0,
    {
        BOOKS: Connection(BOOKS, zoho_books.VENDOR.name, "books", "active", {"organization_id": "1"}),
        CRM: Connection(CRM, zoho_crm.VENDOR.name, "crm", "active", {"org_id": "2"}),
    },
    {SYNC.id: SYNC},
)


def told(connection: ConnectionId, entity: Entity, record: str, **fields: Any) -> tuple[Key, RecordState]:
    sequence = "1777888800000000.1"
    state = RecordState(
        fields=fields, field_versions=dict.fromkeys(fields, sequence), sequence=sequence, detail=sequence
    )
    return Key(connection, entity, RecordId(record)), state


def customer(record: str, **fields: Any) -> tuple[Key, RecordState]:
    return told(BOOKS, CUSTOMER, record, **{"company": None, "email": None, **fields})


def contact(record: str, **fields: Any) -> tuple[Key, RecordState]:
    return told(CRM, PERSON, record, **{"customer_id": None, "email": None, **fields})


def account(record: str, **fields: Any) -> tuple[Key, RecordState]:
    return told(CRM, CUSTOMER, record, **fields)


def found(*states: tuple[Key, RecordState], links: Links | None = None) -> dict[Entity, LegMatches]:
    return matches(CONFIGURATION, Mappings(), SYNC, dict(states), links or {})


class TestCounts:
    def test_one_address_on_both_sides_is_one_person_and_is_written_only_where_it_differs(self) -> None:
        its = found(
            customer("1", email="ida@x.example", last_name="Alder"), contact("7", email="Ida@x.example ", last_name="Alder"),
            customer("2", email="bo@x.example", last_name="Finch"), contact("8", email="bo@x.example", last_name="Finch-Birch"),
        )[CONTACT]  # fmt: skip
        assert its.linked["left"] == {"1": "7", "2": "8"}
        # The address is the source's where nobody knows who was later, the name the sales people's.
        assert (its.writes["left"], its.writes["right"]) == ({"1"}, {"8"})

    def test_who_has_no_counterpart_is_made_on_the_other_side(self) -> None:
        its = found(customer("1", email="ida@x.example"), contact("7", email="bo@x.example"))[CONTACT]
        assert its.counts() == {
            "linked": 0, "matched": 0, "asked_left": 0, "asked_right": 0, "new_right": 1, "new_left": 1,
        }  # fmt: skip

    def test_a_shared_address_and_one_without_any_value_are_asked_about(self) -> None:
        its = found(
            customer("1", email="info@x.example"), customer("2", email="info@x.example"), customer("3"),
            contact("7", email="info@x.example"),
        )[CONTACT]  # fmt: skip
        assert its.asked == {"left": {"1", "2", "3"}, "right": {"7"}}
        assert its.counts()["matched"] == 0

    def test_an_account_is_known_by_the_address_of_one_of_its_contacts(self) -> None:
        its = found(
            customer("1", company="Alder Works", email="ida@x.example"), account("70", name="Alder Works Ltd"),
            contact("7", email="ida@x.example", customer_id="70"),
        )  # fmt: skip
        assert its[ACCOUNT].linked["left"] == {"1": "70"}
        # The contact belongs to an account, and so is nobody alone.
        assert its[CONTACT].counts()["new_left"] == 0

    def test_links_that_are_there_are_counted_and_nobody_else_gets_them(self) -> None:
        links: Links = {(CONTACT, "left"): {"1": "7"}, (CONTACT, "right"): {"7": "1"}}
        its = found(
            customer("1"), contact("7", email="bo@x.example"), customer("2", email="bo@x.example"), links=links
        )[CONTACT]
        assert (its.counts()["linked"], its.linked["left"]) == (1, {"1": "7"})
        assert its.asked["left"] == {"2"}

    def test_a_contact_that_got_an_account_is_asked_about_and_nobody_new(self) -> None:
        links: Links = {
            (CONTACT, "left"): {"1": "7"}, (CONTACT, "right"): {"7": "1"},
            (ACCOUNT, "left"): {"2": "70"}, (ACCOUNT, "right"): {"70": "2"},
        }  # fmt: skip
        its = found(
            customer("1", email="ida@x.example"), customer("2", company="Birch"), account("70", name="Birch"),
            contact("7", email="ida@x.example", customer_id="70"), links=links,
        )[PERSON]  # fmt: skip
        assert (its.asked["right"], its.alone["right"]) == ({"7"}, set())
