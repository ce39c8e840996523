"""The simulated shop as the suite of all sources needs it for its orders; what one with everything in it comes to was added up by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from common.contracts.ids import Entity, RecordId
from tests.contract.vendors.shopify import account
from tests.contract.vendors.shopify.account import ShopAccount
from tests.support.sandbox import SandboxProcess

GID = "gid://shopify/Order/"
HOME = {"firstName": "Ida", "lastName": "Alder", "address1": "Hauptstr. 1", "address2": "Hof", "city": "Bonn", "zip": "53111",
        "countryCode": "DE", "phone": "+49 228 1"}  # fmt: skip
TOLD_HOME = {"attention": "Ida Alder", "street": "Hauptstr. 1", "street2": "Hof", "city": "Bonn", "state": None, "zip": "53111", "country": "DE",
             "phone": "+49 228 1"}  # fmt: skip
# What the shop itself has given names and times to.
IDS = (
    "query($id:ID!){order(id:$id){name updatedAt cancelledAt customer{id} lineItems(first:1){nodes{id variant{id} product{id}}} "
    "shippingLines(first:1){nodes{id}} transactions{id processedAt} refunds{id createdAt}}}"
)


class OrderAccount(ShopAccount):
    """Its orders."""

    def create(self, entity: Entity) -> RecordId:
        return self._placed(lineItems=[{"title": "Tea", "quantity": 1, "priceSet": euros("5.00")}])

    def edit(self, entity: Entity, record: RecordId) -> None:
        self.people("reword_order", id=GID + record, order={"note": f"Edit {next(self._numbers)}"})

    def remove(self, entity: Entity, record: RecordId) -> None:
        self.people("delete_order", id=GID + record)

    def everything(self, entity: Entity) -> tuple[RecordId, Mapping[str, Any]]:
        """Sold in dollars at two to a euro: four at 10 less a tenth, 5 for the post, a tenth of tax, 2 of duties, 1 of tip; all taken back."""
        line = {"title": "Tea", "sku": "T", "quantity": 4, "variantTitle": "Big", "requiresShipping": True, "priceSet": euros("10.00"),
                "duties": [{"amount": "4.00"}]}  # fmt: skip
        who = self.people("customer", customer={"email": f"ida{next(self._numbers)}@alder.example"})["id"]
        record = self._placed(
            lineItems=[line], customerId=who, email="ida@alder.example", phone="+491701", note="gift", presentmentCurrency="USD", rate="2",
            test=True, sourceName="pos", billingAddress=HOME, shippingAddress=HOME, tip="2.00", cashRounding="-0.04",
            closedAt="2026-01-02T03:04:05Z", processedAt="2026-01-01T03:04:05Z",
            discounts=[{"kind": "manual", "title": "Tenth", "percent": "10"}], taxLines=[{"title": "VAT", "rate": "0.1"}],
            shippingLines=[{"title": "Post", "code": "P", "priceSet": euros("5.00")}],
        )  # fmt: skip
        self.people("pay_order", id=GID + record, gateway="cash")
        row = self.asked(IDS, id=GID + record)["order"]["lineItems"]["nodes"][0]["id"]
        back = {"note": "late", "refundLineItems": [{"lineItemId": row, "quantity": 1}], "shipping": {"fullRefund": True},
                "transactions": [{"amount": "10.00", "gateway": "cash", "kind": "REFUND"}]}  # fmt: skip
        self.people("refund_order", id=GID + record, refund=back)
        self.people("cancel_order", id=GID + record, refund=False)
        return record, expected(self.asked(IDS, id=GID + record)["order"], number(who), record)

    def _placed(self, **order: Any) -> RecordId:
        return RecordId(number(self.people("place_order", order=order)["id"]))


def expected(made: Mapping[str, Any], customer: str, record: RecordId) -> Mapping[str, Any]:
    line, [sent] = made["lineItems"]["nodes"][0], made["shippingLines"]["nodes"]
    sale, given_back = made["transactions"]
    back, rest = made["refunds"]
    vat = {"title": "VAT", "rate": "0.1", "channel_liable": False}
    sums = {
        "subtotal": both("36.00"), "discount": both("4.00"), "shipping": both("5.00"), "tax": both("4.10"), "duties": both("2.00"),
        "tips": both("1.00"), "cash_rounding": both("-0.02"), "total": both("48.10"), "current_subtotal": both("0.00"),
        "current_tax": both("0.00"), "current_total": both("1.00"), "received": both("48.08"), "outstanding": both("0.00"),
        "refunded": both("5.00"),
    }  # fmt: skip
    returned = {"id": number(given_back["id"]), "parent_id": number(sale["id"]), "kind": "refund", "status": "success", "gateway": "cash",
                "amount": both("5.00"), "processed_at": given_back["processedAt"], "test": True}  # fmt: skip
    return {
        "id": record, "number": made["name"], "customer_id": customer, "email": "ida@alder.example", "phone": "+491701", "note": "gift",
        "currency": "EUR", "presentment_currency": "USD", "placed_at": "2026-01-01T03:04:05Z", "cancelled_at": made["cancelledAt"],
        "cancel_reason": "customer", "closed_at": "2026-01-02T03:04:05Z", "financial_status": "partially_refunded",
        "fulfilment_status": "unfulfilled", "test": True, "source_name": "pos", "taxes_included": False, "updated_at": made["updatedAt"],
        "billing": TOLD_HOME, "delivery": TOLD_HOME,
        **{f"{name}.{side}": amount for name, pair in sums.items() for side, amount in pair.items()},
        "lines": [{
            "id": number(line["id"]), "sku": "T", "title": "Tea", "variant": "Big", "product_id": number(line["product"]["id"]),
            "variant_id": number(line["variant"]["id"]), "quantity": 4, "current_quantity": 0, "price": both("10.00"),
            "discounts": [both("4.00")], "taxes": [{**vat, "amount": both("3.60")}], "duties": both("2.00"), "taxable": True,
            "gift_card": False, "requires_shipping": True,
        }],
        "shipping_lines": [{
            "id": number(sent["id"]), "title": "Post", "code": "P", "price": both("5.00"), "discounts": [],
            "taxes": [{**vat, "amount": both("0.50")}], "removed": False,
        }],
        "taxes": [{**vat, "amount": both("4.10")}],
        "transactions": [
            {"id": number(sale["id"]), "parent_id": None, "kind": "sale", "status": "success", "gateway": "cash", "amount": both("48.08"),
             "processed_at": sale["processedAt"], "test": True},
            returned,
        ],
        "refunds": [
            {
                "id": number(back["id"]), "created_at": back["createdAt"], "processed_at": back["createdAt"], "note": "late",
                "lines": [{"line_id": number(line["id"]), "quantity": 1, "restock": "no_restock", "subtotal": both("9.00"), "tax": both("0.90")}],
                "shipping": [{"shipping_id": number(sent["id"]), "subtotal": both("5.00"), "tax": both("0.50")}],
                "adjustments": [{"kind": None, "reason": "refund_discrepancy", "amount": both("10.40"), "tax": both("0.00")}],
                "duties": None, "total": both("5.00"), "transactions": [returned],
            },
            {
                "id": number(rest["id"]), "created_at": rest["createdAt"], "processed_at": rest["createdAt"], "note": None,
                "lines": [{"line_id": number(line["id"]), "quantity": 3, "restock": "cancel", "subtotal": both("27.00"), "tax": both("2.70")}],
                "shipping": [{"shipping_id": number(sent["id"]), "subtotal": both("0.00"), "tax": both("0.00")}],
                "adjustments": [], "duties": both("2.00"), "total": both("0.00"), "transactions": [],
            },
        ],
    }  # fmt: skip


def both(shop: str) -> dict[str, str]:
    """A sum in both moneys, at two dollars to a euro."""
    cents = int(shop.replace(".", "")) * 2
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return {"shop": shop, "presentment": f"{sign}{cents // 100}.{cents % 100:02}"}


def euros(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def number(gid: str) -> str:
    return gid.rpartition("/")[2]


@asynccontextmanager
async def opened(sandbox: SandboxProcess) -> AsyncIterator[OrderAccount]:
    async with account.opened(sandbox) as shop:
        yield OrderAccount(shop.connection, shop.api, sandbox, shop.row)
