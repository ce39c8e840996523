"""Which deal an invoice is for that names none: exactly one, or none and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.contracts.ids import ConnectionId, Entity, RecordId, SyncId
from common.contracts.open_deals import OpenDealRule, mistakes, read_besides
from common.contracts.syncs import Leg, MappingDefinition
from mapper.mapping.definitions import read_definition, template
from mapper.open_deals import AccountDeal, UnnamedInvoice, decide

DAY = date(2026, 5, 4)
RULE = OpenDealRule(5, 90)
NOBODY: Mapping[RecordId, Collection[RecordId]] = {}


def invoice(record: str = "i", total: str = "100.00", currency: str = "EUR", days: int = 0, chosen: str | None = None) -> UnnamedInvoice:  # fmt: skip
    return UnnamedInvoice(
        RecordId(record), Decimal(total), currency, DAY + timedelta(days), RecordId(chosen) if chosen else None
    )


def deal(record: str = "7", amount: str | None = "100", currency: str = "EUR", on: date | None = DAY, stage: str = "Proposal") -> AccountDeal:  # fmt: skip
    return AccountDeal(RecordId(record), Decimal(amount) if amount else None, currency, on, stage)


def chosen(*given: UnnamedInvoice, deals: list[AccountDeal], **more: Any) -> dict[str, str | None]:
    return {record: choice.deal for record, choice in decide(given, deals, more.pop("holders", NOBODY), RULE, **more).items()}  # fmt: skip


def why(*given: UnnamedInvoice, deals: list[AccountDeal], **more: Any) -> str:
    return decide(given, deals, more.pop("holders", NOBODY), RULE, **more)[RecordId("i")].words


class TestTheOneOpenDeal:
    def test_is_what_its_invoice_is_for(self) -> None:
        assert chosen(invoice(), deals=[deal()]) == {"i": "7"}
        assert why(invoice(), deals=[deal()]) == "the one open deal within 5 % and 90 days"

    @pytest.mark.parametrize(
        ("total", "is_near"), [("95.00", True), ("94.99", False), ("105.00", True), ("105.01", False), ("0", False)]
    )
    def test_is_within_five_per_cent_of_its_amount_to_the_cent(self, total: str, is_near: bool) -> None:
        assert chosen(invoice(total=total), deals=[deal()]) == {"i": "7" if is_near else None}

    @pytest.mark.parametrize(("days", "is_near"), [(90, True), (91, False), (-90, True), (-91, False)])
    def test_is_within_ninety_days_of_its_day(self, days: int, is_near: bool) -> None:
        assert chosen(invoice(days=days), deals=[deal()]) == {"i": "7" if is_near else None}

    @pytest.mark.parametrize("stage", RULE.closed)
    def test_is_open(self, stage: str) -> None:
        assert chosen(invoice(), deals=[deal(stage=stage)]) == {"i": None}
        assert why(invoice(), deals=[deal(stage=stage)]) == "its account has no open deal"

    @pytest.mark.parametrize("other", [deal(amount=None), deal(amount="0"), deal(on=None), deal(currency="JPY")])
    def test_has_an_amount_a_day_and_the_invoice_s_currency(self, other: AccountDeal) -> None:
        assert chosen(invoice(), deals=[other]) == {"i": None}
        assert why(invoice(), deals=[other]) == "no open deal of its account is within 5 % and 90 days"

    def test_is_the_only_one_that_fits_whatever_else_is_open(self) -> None:
        others = [deal("8", "900"), deal("9", stage="Closed Won")]
        assert chosen(invoice(), deals=[deal(), *others]) == {"i": "7"}


class TestAmbiguous:
    def test_two_deals_are_none(self) -> None:
        assert chosen(invoice(), deals=[deal("8"), deal("7")]) == {"i": None}
        assert why(invoice(), deals=[deal("8"), deal("7")]) == "several open deals are within 5 % and 90 days: 7, 8"

    def test_two_invoices_for_one_deal_are_none_in_whatever_order_they_come(self) -> None:
        both = [invoice("i"), invoice("j", "101.00")]
        for given in (both, both[::-1]):
            assert chosen(*given, deals=[deal()]) == {"i": None, "j": None}
            assert why(*given, deals=[deal()]) == "deal 7 fits several invoices"

    def test_a_deal_that_has_an_invoice_already_takes_no_second_one(self) -> None:
        holders = {RecordId("7"): {RecordId("named")}}
        assert chosen(invoice(), deals=[deal()], holders=holders) == {"i": None}
        assert why(invoice(), deals=[deal()], holders=holders) == "deal 7, which fits, has another invoice"

    def test_whoever_is_linked_to_nobody_has_no_deal(self) -> None:
        assert why(invoice(), deals=[], linked=False) == "its customer is linked to no account"


class TestOnceChosen:
    @pytest.mark.parametrize("now", [deal(stage="Closed Won"), deal(amount="500"), deal(on=None)])
    def test_it_stays_while_the_sale_goes_on(self, now: AccountDeal) -> None:
        assert chosen(invoice(chosen="7"), deals=[now]) == {"i": "7"}

    def test_it_stays_when_another_one_comes(self) -> None:
        given = [invoice(chosen="7"), invoice("j")]
        holders = {RecordId("7"): {RecordId("i")}}
        assert chosen(*given, deals=[deal(), deal("8")], holders=holders) == {"i": "7", "j": None}

    def test_it_ends_when_the_deal_is_gone_or_another_account_s(self) -> None:
        assert chosen(invoice(chosen="7"), deals=[]) == {"i": None}
        assert chosen(invoice(chosen="7"), deals=[deal("8")]) == {"i": "8"}


class TestTheOption:
    @pytest.mark.parametrize(
        ("ends", "reads"), [(("deal", "deal"), True), (("deal", "member"), False), (("customer", "deal"), False)]
    )
    def test_has_deals_read_where_deals_are_written_and_nothing_elsewhere(
        self, ends: tuple[str, str], reads: bool
    ) -> None:
        definition = MappingDefinition(1, (), key="key", options={"open_deal": {"percent": 5, "days": 90}})
        source, target = map(Entity, ends)
        leg = Leg(
            sync=SyncId("s"), name=source, direction="forward", source=ConnectionId("books"), source_entity=source, source_place="", target=ConnectionId("crm"),
            target_entity=target, target_place="9", mode="state", mapping=definition,
        )  # fmt: skip
        assert read_besides(leg) == ((("crm", "deal", ""),) if reads else ())

    def test_is_in_the_template(self) -> None:
        (leg,) = [one for one in template("zoho-books-zoho-crm")["legs"] if one["name"] == "deal"]
        assert read_definition(1, leg).options["open_deal"] == {"percent": 5, "days": 90}

    @pytest.mark.parametrize(
        "given",
        [True, {}, {"percent": 5}, {"percent": 0, "days": 90}, {"percent": 5, "days": "90"}, {"percent": True, "days": 1},
         {"percent": 5, "days": 90, "closed": "Won"}, {"percent": 5, "days": 90, "stage": 1}],
    )  # fmt: skip
    def test_says_what_it_takes(self, given: object) -> None:
        ((name, words),) = mistakes({"open_deal": given})
        assert name == "open_deal" and "percent: 5" in words
