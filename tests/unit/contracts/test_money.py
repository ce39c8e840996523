"""Money is a decimal with a currency and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.money import Money, decimal_of, minor_digits


class TestMoney:
    def test_refuses_a_float(self) -> None:
        with pytest.raises(ValueError, match="never a float"):
            Money.of(0.1, "EUR")  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "twelve", "", True])
    def test_refuses_what_is_no_finite_number(self, value: object) -> None:
        with pytest.raises(ValueError):
            decimal_of(value)

    @pytest.mark.parametrize("currency", ["eur", "EURO", "E1R", "", "ÄÖÜ"])
    def test_refuses_what_is_no_currency(self, currency: str) -> None:
        with pytest.raises(ValueError):
            Money.of("1", currency)

    @pytest.mark.parametrize(
        ("currency", "units", "amount"), [("JPY", 1200, "1200"), ("EUR", 1200, "12.00"), ("KWD", 1200, "1.200")]
    )
    def test_knows_the_smallest_unit_of_a_currency(self, currency: str, units: int, amount: str) -> None:
        assert Money.of_minor(units, currency) == Money.of(amount, currency)
        assert Money.of(amount, currency).minor == units

    def test_rounds_half_to_even_and_only_when_asked(self) -> None:
        assert Money.of("0.125", "EUR").rounded().amount == Decimal("0.12")
        with pytest.raises(ValueError, match="round first"):
            _ = Money.of("0.125", "EUR").minor

    def test_does_not_add_currencies(self) -> None:
        with pytest.raises(ValueError, match="do not add up"):
            Money.of("1", "EUR") + Money.of("1", "JPY")

    @given(st.integers(-(10**15), 10**15), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
    def test_survives_the_wire_to_the_last_unit(self, units: int, currency: str) -> None:
        money = Money.of_minor(units, currency)
        again = Money.model_validate_json(money.model_dump_json())
        assert again.minor == units
        assert "e" not in money.model_dump_json().split('"amount":"')[1].split('"')[0].lower()

    @given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=50))
    def test_sums_like_integers_of_the_smallest_unit(self, units: list[int]) -> None:
        total = Money.of("0", "EUR")
        for unit in units:
            total += Money.of_minor(unit, "EUR")
        assert total.minor == sum(units)

    def test_unknown_currencies_have_hundredths(self) -> None:
        assert minor_digits("USD") == 2
