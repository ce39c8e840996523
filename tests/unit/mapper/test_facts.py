"""Facts of a customer, from what its invoices and payments tell; and what a mapping's own options make of them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.contracts.connections import Connection
from common.contracts.facts import FACTS, FROM_AUDIENCES, kept_fields
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.records import RECORDS
from common.contracts.syncs import MappingDefinition, MappingRow, Transform
from mapper.facts import FeedRow, facts_of
from mapper.legs_facts import leg_facts, zone_of
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.fact_use import with_facts
from mapper.state import RecordState

TODAY = date(2026, 5, 4)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def invoice(record: str = "1", **fields: Any) -> FeedRow:
    usual = {"status": "sent", "currency": "EUR", "balance": "10.00", "issued_on": "2026-04-20", "due_on": "2026-05-20"}
    return FeedRow(Entity("invoice"), RecordId(record), usual | fields)


def payment(day: str) -> FeedRow:
    return FeedRow(Entity("payment"), RecordId(day), {"paid_on": day})


def value(name: str, *rows: FeedRow) -> Any:
    return facts_of(rows, TODAY).values[name]


class TestFacts:
    def test_of_nobody_who_was_ever_invoiced(self) -> None:
        found = facts_of([], TODAY)
        assert found.values == {
            "last_invoice_on": None, "invoice_count": 0, "invoiced": "0", "invoiced_in": {}, "paid": "0", "paid_in": {}, "named_by": [], "outstanding": "0", "outstanding_in": {}, "overdue": "0", "overdue_in": {},
            "payment_status": "none", "currencies": [], "last_payment_on": None,
        }  # fmt: skip
        assert found.next_on is None

    def test_of_a_supplier_are_made_of_its_bills_and_of_what_was_paid_for_them(self) -> None:
        bills = [invoice("1", due_on="2026-05-01"), invoice("2", status="void")]
        theirs = [row._replace(entity=Entity("bill")) for row in bills]
        paid = payment("2026-04-01")
        assert facts_of([*theirs, paid._replace(entity=Entity("supplier_payment"))], TODAY) == facts_of(
            [*bills, paid], TODAY
        )
        assert value("payment_status", *theirs) == "overdue"

    def test_the_last_of_each(self) -> None:
        rows = [invoice("1", issued_on="2026-01-01"), invoice("2", issued_on="2026-03-01"), payment("2026-02-01"), payment("2026-04-01")]  # fmt: skip
        assert (value("last_invoice_on", *rows), value("last_payment_on", *rows)) == ("2026-03-01", "2026-04-01")

    @pytest.mark.parametrize("status", ["draft", "void"])
    def test_what_was_not_sent_or_was_taken_back_does_not_count(self, status: str) -> None:
        rows = [invoice("1"), invoice("2", status=status, currency="USD", issued_on="2026-05-01")]
        assert facts_of(rows, TODAY).values == facts_of(rows[:1], TODAY).values

    def test_money_is_added_up_to_the_cent(self) -> None:
        assert value("outstanding", *(invoice(str(n), balance="0.10") for n in range(3))) == "0.30"

    def test_currencies_are_never_added_up(self) -> None:
        rows = [invoice("1", balance="5.00"), invoice("2", balance="7", currency="JPY"), invoice("3", balance="1.50")]
        assert (value("outstanding", *rows), value("outstanding_in", *rows)) == (None, {"EUR": "6.50", "JPY": "7"})
        assert value("currencies", *rows) == ["EUR", "JPY"]

    def test_what_was_invoiced_is_paid_or_to_be_paid(self) -> None:
        rows = [invoice("1", total="10.00", balance="2.50"), invoice("2", total="0.05", balance="0"), invoice("3", total="7", status="void")]  # fmt: skip
        assert [value(name, *rows) for name in ("invoiced", "paid", "outstanding")] == ["10.05", "7.55", "2.50"]

    def test_of_one_open_currency_the_amount_is_one(self) -> None:
        rows = [invoice("1", balance="5.00"), invoice("2", balance="0.00", currency="USD", status="paid")]
        assert (value("outstanding", *rows), value("currencies", *rows)) == ("5.00", ["EUR", "USD"])

    def test_late_from_the_day_after_it_was_due(self) -> None:
        due_today = invoice("1", due_on="2026-05-04")
        assert (value("overdue", due_today), value("payment_status", due_today)) == ("0", "open")
        tomorrow = facts_of([due_today], date(2026, 5, 5))
        assert (tomorrow.values["overdue"], tomorrow.values["payment_status"]) == ("10.00", "overdue")

    def test_what_says_late_without_a_day_is_late(self) -> None:
        assert value("payment_status", invoice(status="overdue", due_on=None)) == "overdue"

    def test_status_of_what_is_paid(self) -> None:
        assert value("payment_status", invoice(status="paid", balance="0")) == "paid"

    def test_the_next_day_is_the_first_on_which_one_is_late(self) -> None:
        rows = [invoice("1", due_on="2026-05-10"), invoice("2", due_on="2026-05-08"), invoice("3", due_on="2026-05-05", balance="0"), invoice("4", due_on="2026-05-01")]  # fmt: skip
        assert facts_of(rows, TODAY).next_on == date(2026, 5, 9)

    def test_says_what_it_was_made_of(self) -> None:
        rows = [invoice("b"), invoice("a", balance="0"), invoice("c", due_on="2026-05-01"), invoice("d", status="void")]
        assert facts_of(rows, TODAY).made_of == {
            "on": "2026-05-04", "invoices": ["a", "b", "c"], "open": ["b", "c"], "late": ["c"],
        }  # fmt: skip


class TestRegister:
    def test_each_fact_is_computed_or_a_mappings_own(self) -> None:
        assert set(facts_of([], TODAY).values) | {"inactive"} | FROM_AUDIENCES == set(FACTS)

    def test_reads_fields_of_the_vocabulary(self) -> None:
        for entity in ("invoice", "payment", "bill", "supplier_payment"):
            assert kept_fields(Entity(entity)) and set(kept_fields(Entity(entity))) <= set(RECORDS[entity].model_fields)


def mapping(*names: str, **options: Any) -> CompiledMapping:
    rows = (MappingRow("email", "email"), *(MappingRow(f"x{n}", f"facts.{name}") for n, name in enumerate(names)))
    return compile_mapping(with_facts(MappingDefinition(1, rows, key="email", options=options)), None, collected=())


class TestOfAMapping:
    def test_only_those_that_it_names(self) -> None:
        found = leg_facts(mapping("invoice_count"), RecordState(), [invoice(due_on="2026-05-10")], UTC, NOON)
        # Nothing that it names is changed by the calendar.
        assert (found.values, found.next_on) == ({"invoice_count": 1}, None)

    def test_the_day_is_the_accounts_own(self) -> None:
        late_evening = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)
        due = [invoice(due_on="2026-05-04")]
        named = mapping("payment_status")
        assert leg_facts(named, RecordState(), due, UTC, late_evening).values["payment_status"] == "open"
        assert leg_facts(named, RecordState(), due, BERLIN, late_evening).values["payment_status"] == "overdue"

    @pytest.mark.parametrize(
        ("source", "found"),
        [
            ("facts.overdue", ("overdue",)),
            ("facts.overdue_in.EUR", ("overdue_in",)),
            ("facts.invoice_count > `3`", ("invoice_count",)),
            ("facts.currencies[0]", ("currencies",)),
            ("facts", tuple(sorted(FACTS))),
            ("keys(facts)", tuple(sorted(FACTS))),
            ("custom.facts", ()),
            ("name", ()),
        ],
    )
    def test_what_an_expression_names(self, source: str, found: tuple[str, ...]) -> None:
        definition = MappingDefinition(1, (MappingRow("email", source),), key="email")
        assert with_facts(definition).facts == found

    def test_what_filters_and_fallbacks_name(self) -> None:
        row = MappingRow("x", "name", (Transform("fallback", {"parts": ["facts.last_invoice_on"]}),))
        named = with_facts(
            MappingDefinition(1, (row,), filter="facts.outstanding != '0'", key="x", on_inactive="archive")
        )
        assert named.facts == ("inactive", "last_invoice_on", "outstanding")


class TestInactive:
    def found(self, *rows: FeedRow, created: str | None = "2025-01-01T09:00:00+00:00", **options: Any) -> tuple[bool, date | None]:  # fmt: skip
        state = RecordState({"created_at": created, "status": options.pop("status", "active")})
        facts = leg_facts(mapping("inactive", **options), state, rows, UTC, NOON)
        return facts.values["inactive"], facts.next_on

    def test_without_an_invoice_for_ninety_days(self) -> None:
        assert self.found(invoice(issued_on="2026-02-03")) == (True, None)

    def test_until_the_ninetieth_day(self) -> None:
        assert self.found(invoice(issued_on="2026-02-04")) == (False, date(2026, 5, 5))

    def test_without_any_invoice(self) -> None:
        assert self.found() == (True, None)

    def test_not_who_is_new(self) -> None:
        assert self.found(created="2026-04-04T09:00:00+00:00") == (False, date(2026, 7, 3))

    def test_by_as_many_days_as_the_mapping_says(self) -> None:
        assert self.found(invoice(), inactive_after=10) == (True, None)
        assert self.found(invoice(issued_on="2020-01-01"), inactive_after=0) == (False, None)

    def test_what_was_taken_back_is_no_sign_of_life(self) -> None:
        assert self.found(invoice(status="void")) == (True, None)

    def test_by_its_own_word(self) -> None:
        assert self.found(invoice(), status="inactive", inactive_if="status == 'inactive'") == (True, None)

    def test_not_when_nobody_can_say(self) -> None:
        assert self.found(created=None) == (False, None)


class TestZone:
    @pytest.mark.parametrize(("name", "zone"), [("Europe/Berlin", "Europe/Berlin"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../etc", "UTC")])  # fmt: skip
    def test_is_the_accounts_or_utc(self, name: str, zone: str) -> None:
        connection = Connection(ConnectionId("c"), VendorName("v"), "c", details={"time_zone": name})
        assert str(zone_of(connection)) == zone
