"""An order is told with everything that belongs to it, every amount in both currencies, and names nobody when it is shown."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from pydantic import ValidationError

from common.bus.shown import masked
from common.contracts.orders import Order, OrderAmount

ORDER = {
    "number": "#1071",
    "email": "ida@ex.org",
    "currency": "EUR",
    "presentment_currency": "JPY",
    "lines": [
        {
            "id": "1",
            "sku": "TEA",
            "title": "Ida's tea",
            "quantity": 2,
            "price": {"shop": "10.10", "presentment": "1616"},
            "discounts": [{"shop": "1.00", "presentment": "160"}],
            "taxes": [{"title": "VAT", "rate": "0.19", "amount": {"shop": "3.65", "presentment": "584"}}],
        }
    ],
    "total": {"shop": "22.85", "presentment": "3656"},
    "transactions": [
        {"id": "t1", "kind": "sale", "status": "success", "amount": {"shop": "22.85", "presentment": "3656"}}
    ],
    "billing": {"city": "Bonn"},
}


class TestOrder:
    def test_goes_through_json_to_the_last_digit(self) -> None:
        order = Order.model_validate(ORDER)
        again = Order.model_validate_json(order.model_dump_json())
        assert again == order
        assert order.model_dump(mode="json")["lines"][0]["price"] == {"shop": "10.10", "presentment": "1616"}

    def test_what_a_shop_withholds_is_not_there(self) -> None:
        order = Order.model_validate({"number": "#1"})
        assert (order.email, order.total, order.transactions) == (None, None, None)

    def test_an_amount_is_never_a_float_and_never_one_alone(self) -> None:
        with pytest.raises(ValidationError, match="never a float"):
            OrderAmount.model_validate({"shop": 1.1, "presentment": "1"})
        with pytest.raises(ValidationError, match="presentment"):
            OrderAmount.model_validate({"shop": Decimal(1)})

    def test_shown_masked_it_tells_the_sums_and_nobody(self) -> None:
        told = json.dumps(masked({"fields": ORDER}))
        assert "22.85" in told
        assert "3656" in told
        assert not any(word in told for word in ("ida", "Ida", "Bonn"))
