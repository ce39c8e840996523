"""Orders and customers, from webhooks, by id, and as lists: what each tells, and that all tell the same."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from common.contracts.ids import Entity, RecordId
from common.failures import RateLimited, Rejected, Transient
from common.http.call import Call, VendorAnswer
from tests.contract.sandbox.shopify.shop import Listener, Shop
from tests.contract.vendors.shopify.shops import CONNECTION, ShopApi, receipt
from vendors.privacy import PrivacyAsk
from vendors.shopify.catalogue import CATALOGUES
from vendors.shopify.source import ShopifySource
from vendors.vendor import Cursor, Page, ReceiptReading, State, Subject

SOURCE = ShopifySource()
ORDER, CUSTOMER = Entity("order"), Entity("customer")
VAT = [{"title": "VAT", "rate": "0.19"}]
POST = [{"title": "Post", "code": "P", "priceSet": {"shopMoney": {"amount": "4.90", "currencyCode": "EUR"}}}]
# Told by the API alone: webhooks have no transactions of an order, no sums of what was received, and no title of a rounding refund.
ONLY_READ = {"transactions", "received", "refunded", "outstanding"}


def money_back(amount: str) -> dict[str, Any]:
    return {"transactions": [{"amount": amount, "gateway": "manual", "kind": "REFUND"}]}


async def read(api: ShopApi, entity: Entity, record: str) -> State:
    [found] = await SOURCE.read(CONNECTION, [Subject(entity, RecordId(record))], api)
    assert isinstance(found, State), found
    return found


async def pages(api: ShopApi, entity: Entity, since: Cursor | None = None) -> list[Page]:
    return [page async for page in SOURCE.pages(CONNECTION, entity, since, api)]


class TestOrders:
    async def test_webhook_and_read_tell_the_same(self, shop: Shop, listener: Listener, api: ShopApi) -> None:
        await shop.subscribe(listener.url)
        body = shop.place(
            ("9.99", 3), ("17.35", 2), taxLines=VAT, shippingLines=POST, presentmentCurrency="USD", rate="1.0931", email="ada@shop.example",
            discounts=[{"kind": "manual", "title": "Tenth", "percent": "10"}], cashRounding="-0.02", note="gift",
            billingAddress={"firstName": "Ada", "lastName": "Byron", "address1": "1 High St", "city": "Leeds", "countryCode": "GB"},
        )  # fmt: skip
        [heard] = await listener.until(1)
        [told] = SOURCE.receipt(receipt(shop, heard)).states
        found = await read(api, ORDER, str(body["id"]))
        assert found.version.stamp == told.version.stamp
        assert not told.version.settled
        as_read = {name: value for name, value in found.fields.items() if name not in ONLY_READ}
        assert dict(told.fields) == as_read | {"tips": told.fields["tips"]}
        assert Decimal(found.fields["total"]["presentment"]) != Decimal(found.fields["total"]["shop"])

    async def test_money_adds_up_in_both_currencies(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(
            ("9.99", 3), taxLines=VAT, shippingLines=POST, presentmentCurrency="JPY", rate="163.2", tip="200"
        )
        found = (await read(api, ORDER, str(body["id"]))).fields
        assert amount(found, "total") == sum(
            (amount(found, name) for name in ("subtotal", "shipping", "tax", "tips")), Decimal(0)
        )
        assert found["total"] == sides(body, "total_price")

    async def test_transactions_and_refunds_are_told_by_their_own_ids(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(("10.00", 2), taxLines=VAT, shippingLines=POST, financialStatus="PAID")
        line = f"gid://shopify/LineItem/{body['line_items'][0]['id']}"
        back = {
            "refundLineItems": [{"lineItemId": line, "quantity": 1}],
            "shipping": {"fullRefund": True},
            "transactions": [{"amount": "10.00", "gateway": "manual", "kind": "REFUND"}],
        }
        shop.act("refund_order", id=body["admin_graphql_api_id"], refund=back)
        found = (await read(api, ORDER, str(body["id"]))).fields
        stored = shop.state["transactions"]
        assert {(one["id"], one["kind"]) for one in found["transactions"]} == {
            (key, one["kind"]) for key, one in stored.items()
        }
        [refund] = found["refunds"]
        assert refund["lines"][0] | {"restock": ""} == {
            "line_id": str(body["line_items"][0]["id"]), "quantity": 1, "restock": "",
            "subtotal": {"shop": "10.00", "presentment": "10.00"}, "tax": {"shop": "1.90", "presentment": "1.90"},
        }  # fmt: skip
        assert refund["adjustments"][0]["amount"]["shop"] == "7.73"
        assert [one["id"] for one in refund["transactions"]] == [
            one["id"] for one in found["transactions"] if one["kind"] == "refund"
        ]

    async def test_every_story_of_a_shop_is_readable_within_its_points(self, shop: Shop, api: ShopApi) -> None:
        shop.simulator.seed("demo", 20, 5, True)
        for number, body in shop.state["orders"].items():
            found = await read(api, ORDER, number)
            assert found.fields["total"] == sides(body, "total_price"), body["name"]
            assert len(found.fields["lines"]) == len(body["line_items"])
            shop.later(10)
        assert max(api.costs) <= 1000

    async def test_more_lines_than_a_first_look_holds_are_looked_at_again(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(*[("1.00", 1)] * 30)
        assert len((await read(api, ORDER, str(body["id"]))).fields["lines"]) == 30
        assert len(api.calls) == 2
        assert max(api.costs) <= 1000

    async def test_lines_that_no_question_holds_come_in_pages_and_all_of_one_version(
        self, shop: Shop, api: ShopApi
    ) -> None:
        body = shop.place(*[(f"{n}.00", 1) for n in range(1, 101)], taxLines=VAT)
        found = await read(api, ORDER, str(body["id"]))
        assert [one["price"]["shop"] for one in found.fields["lines"]] == [f"{n}.00" for n in range(1, 101)]
        assert [call.operation for call in api.calls] == ["orders.read"] * 2 + ["orders.line_items"] * 2
        assert max(api.costs) <= 1000

        class Hurried(ShopApi):
            """Somebody changes the order between two pages."""

            async def call(self, call: Call) -> VendorAnswer:
                if call.operation == "orders.line_items":
                    shop.later(5)
                    shop.act("reword_order", id=body["admin_graphql_api_id"], order={"note": f"{len(self.calls)}"})
                return await super().call(call)

        shop.later(60)  # the bucket is full again
        subject = Subject(ORDER, RecordId(str(body["id"])))
        [torn] = await SOURCE.read(CONNECTION, [subject], Hurried(shop, api.token))
        assert isinstance(torn, Transient)

    async def test_refund_of_more_lines_and_transactions_than_a_question_holds_comes_in_pages(
        self, shop: Shop, api: ShopApi
    ) -> None:
        shop.switch(plan="enterprise")
        body = shop.place(*[(f"{n}.00", 1) for n in range(1, 121)], financialStatus="PAID", shippingLines=POST)
        back = [{"lineItemId": f"gid://shopify/LineItem/{one['id']}", "quantity": 1} for one in body["line_items"]]
        money = [{"amount": f"{n}.00", "gateway": "manual", "kind": "REFUND"} for n in range(1, 8)]
        refund = {"refundLineItems": back, "transactions": money, "shipping": {"fullRefund": True}}
        shop.act("refund_order", id=body["admin_graphql_api_id"], refund=refund)
        [told] = (await read(api, ORDER, str(body["id"]))).fields["refunds"]
        assert [one["subtotal"]["shop"] for one in told["lines"]] == [f"{n}.00" for n in range(1, 121)]
        assert [one["amount"]["shop"] for one in told["transactions"]] == [f"{n}.00" for n in range(1, 8)]
        assert told["shipping"][0]["subtotal"]["shop"] == "4.90"
        assert max(api.costs) <= 1000

        class Hurried(ShopApi):
            """Somebody changes the order between two pages of its refund."""

            async def call(self, call: Call) -> VendorAnswer:
                if call.operation == "orders.refund_line_items":
                    shop.later(5)
                    shop.act("reword_order", id=body["admin_graphql_api_id"], order={"note": f"{len(self.calls)}"})
                return await super().call(call)

        [torn] = await SOURCE.read(CONNECTION, [Subject(ORDER, RecordId(str(body["id"])))], Hurried(shop, api.token))
        assert isinstance(torn, Transient)

    async def test_more_than_ten_refunds_and_transactions_are_all_told(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(("13.00", 13), financialStatus="PAID")
        line = f"gid://shopify/LineItem/{body['line_items'][0]['id']}"
        money = [{"amount": "13.00", "gateway": "manual", "kind": "REFUND"}]
        for _ in range(13):
            back = {"refundLineItems": [{"lineItemId": line, "quantity": 1}], "transactions": money}
            shop.act("refund_order", id=body["admin_graphql_api_id"], refund=back)
        found = (await read(api, ORDER, str(body["id"]))).fields
        assert len(found["refunds"]) == len({one["id"] for one in found["refunds"]}) == 13
        assert {one["id"] for one in found["transactions"]} == set(shop.state["transactions"])
        assert len(api.calls) == 1

    async def test_what_is_gone_is_gone_as_of_the_answer(self, shop: Shop, api: ShopApi) -> None:
        found = await read(api, ORDER, "1")
        assert (found.kind, found.version.settled) == ("deleted", True)


class TestOrdersThatWebhooksHaveTold:
    async def test_are_completed_by_one_question_to_what_a_read_of_each_tells(
        self, shop: Shop, listener: Listener, api: ShopApi
    ) -> None:
        """Whatever they are like; and it costs a tenth of the points."""
        await shop.subscribe(listener.url, "ORDERS_CREATE")
        for placed in (
            {"taxLines": VAT, "shippingLines": POST},
            {"presentmentCurrency": "USD", "rate": "1.0931", "taxLines": VAT, "cashRounding": "-0.02", "note": "gift"},
            {"tip": "2.00", "discounts": [{"kind": "manual", "title": "Tenth", "percent": "10"}]},
        ):
            shop.place(("9.99", 3), ("17.35", 2), financialStatus="PAID", email="ada@shop.example", **placed)
        told = [SOURCE.receipt(receipt(shop, one)).thin[0] for one in await listener.until(3)]
        completed = await SOURCE.read(CONNECTION, told, api)
        assert [call.operation for call in api.calls] == ["orders.rests"]
        together = sum(api.costs)
        for subject, state in zip(told, completed, strict=True):
            found = await read(api, ORDER, subject.record)
            assert isinstance(state, State)
            assert (dict(state.fields), state.coverage, state.version.stamp) == (
                dict(found.fields), "detail", found.version.stamp,
            )  # fmt: skip
        assert together * 10 < sum(api.costs[1:])

    async def test_and_that_have_changed_since_are_read_as_a_whole(
        self, shop: Shop, listener: Listener, api: ShopApi
    ) -> None:
        await shop.subscribe(listener.url, "ORDERS_CREATE")
        placed = [shop.place((f"{n}.00", 1), financialStatus="PAID") for n in (1, 2, 3)]
        told = [SOURCE.receipt(receipt(shop, one)).thin[0] for one in await listener.until(3)]
        shop.later(5)
        shop.act("reword_order", id=placed[0]["admin_graphql_api_id"], order={"note": "wrap it"})
        shop.act("delete_order", id=placed[1]["admin_graphql_api_id"])
        other = Subject(ORDER, RecordId("1"))
        reworded, gone, same, nobody = await SOURCE.read(CONNECTION, [*told, other], api)
        assert isinstance(reworded, State) and reworded.fields["note"] == "wrap it"
        assert reworded.version.stamp > told[0].heard.version.stamp  # type: ignore[union-attr]
        assert [one.kind for one in (gone, same, nobody) if isinstance(one, State)] == ["deleted", "changed", "deleted"]
        assert Counter(call.operation for call in api.calls) == {"orders.rests": 1, "orders.read": 3}

    async def test_are_read_one_by_one_where_one_spoils_the_question(
        self, shop: Shop, listener: Listener, api: ShopApi
    ) -> None:
        class Refusing(ShopApi):
            async def call(self, call: Call) -> VendorAnswer:
                answer = await super().call(call)
                if call.operation == "orders.rests":
                    raise Rejected("SH_REFUSED", "one of them")
                return answer

        await shop.subscribe(listener.url, "ORDERS_CREATE")
        shop.place(("5.00", 1), financialStatus="PAID")
        told = [SOURCE.receipt(receipt(shop, one)).thin[0] for one in await listener.until(1)]
        [found] = await SOURCE.read(CONNECTION, told, Refusing(shop, api.token))
        assert isinstance(found, State) and found.fields["transactions"]


class TestReceipts:
    async def test_thin_bodies_say_which_order_to_read(self, shop: Shop, listener: Listener) -> None:
        for topic in ("ORDERS_EDITED", "REFUNDS_CREATE", "FULFILLMENTS_CREATE"):
            await shop.subscribe(listener.url, topic)
        body = shop.place(("5.00", 1), financialStatus="PAID")
        line = {"title": "More", "quantity": 1, "priceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "EUR"}}}
        shop.act("edit_order", id=body["admin_graphql_api_id"], order={"lineItems": [line]})
        shop.act(
            "refund_order",
            id=body["admin_graphql_api_id"],
            refund=money_back("5.00"),
        )
        shop.act("fulfil_order", id=body["admin_graphql_api_id"])
        for heard in await listener.until(3):
            reading = SOURCE.receipt(receipt(shop, heard))
            assert (list(reading.states), list(reading.thin)) == ([], [Subject(ORDER, RecordId(str(body["id"])))])

    async def test_money_in_one_currency_of_two_is_read(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url)
        shop.place(("5.00", 1), presentmentCurrency="USD", rate="1.1", tip="2.00")
        [heard] = await listener.until(1)
        assert SOURCE.receipt(receipt(shop, heard)).thin

    @pytest.mark.parametrize("status", ["PAID", "AUTHORIZED"])
    async def test_order_for_which_money_came_is_read_because_webhooks_have_no_transactions(
        self, shop: Shop, listener: Listener, status: str
    ) -> None:
        await shop.subscribe(listener.url)
        body = shop.place(("5.00", 1), financialStatus=status)
        [heard] = await listener.until(1)
        reading = SOURCE.receipt(receipt(shop, heard))
        assert (list(reading.states), list(reading.thin)) == ([], [Subject(ORDER, RecordId(str(body["id"])))])
        assert reading.thin[0].heard is not None

    async def test_order_of_which_money_went_back_is_read_as_a_whole(self, shop: Shop, listener: Listener) -> None:
        body = shop.place(("5.00", 1), financialStatus="PAID")
        await shop.subscribe(listener.url, "ORDERS_UPDATED")
        shop.act("refund_order", id=body["admin_graphql_api_id"], refund=money_back("5.00"))
        [heard] = await listener.until(1)
        assert [one.heard for one in SOURCE.receipt(receipt(shop, heard)).thin] == [None]

    async def test_deletion_only_asks(self, shop: Shop, listener: Listener) -> None:
        await shop.subscribe(listener.url, "ORDERS_DELETE")
        body = shop.place(("5.00", 1))
        shop.act("delete_order", id=body["admin_graphql_api_id"])
        [heard] = await listener.until(1)
        [told] = SOURCE.receipt(receipt(shop, heard)).states
        assert (told.kind, told.record) == ("asked", str(body["id"]))

    async def test_uninstalled_application_only_doubts_its_access(self, shop: Shop, listener: Listener) -> None:
        hook = f'mutation{{webhookSubscriptionCreate(topic:APP_UNINSTALLED,webhookSubscription:{{uri:"{listener.url}"}}){{userErrors{{message}}}}}}'
        await shop.ask(hook, token=(await shop.granted())["access_token"])
        shop.act("uninstall")
        [heard] = await listener.until(1)
        told = SOURCE.receipt(receipt(shop, heard))
        assert told == ReceiptReading(doubts_access=True, repeat_of=told.repeat_of)

    async def test_privacy_topics_say_whose_records_and_no_name(self, shop: Shop, listener: Listener) -> None:
        who = shop.act("customer", customer={"email": "ada@shop.example", "phone": "+4917012345"})["id"]
        body = shop.place(("5.00", 1), customerId=who)
        shop.act("privacy_address", uri=listener.url)
        asked = {}
        for topic in ("customers/data_request", "customers/redact", "shop/redact"):
            shop.act("privacy", topic=topic, customer=who)
            heard = (await listener.until(len(asked) + 1))[-1]
            asked[topic] = SOURCE.receipt(receipt(shop, heard)).privacy
        records = [(CUSTOMER, who.rpartition("/")[2]), (ORDER, str(body["id"]))]
        export, redact, account = asked.values()
        assert export is not None and redact is not None
        assert (export.kind, list(export.records), export.reference != "") == ("export", records, True)
        assert (redact.kind, list(redact.records)) == ("redact", records)
        assert account == PrivacyAsk("redact_account")
        assert "ada@" not in repr(asked) and "+49" not in repr(asked)

    async def test_receipts_keep_ids_moment_and_version_and_another_version_is_told(
        self, shop: Shop, listener: Listener
    ) -> None:
        await shop.subscribe(listener.url)
        shop.place(("5.00", 1))
        [heard] = await listener.until(1)
        kept = dict(receipt(shop, heard).headers)
        names = ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at", "x-shopify-api-version")
        assert all(kept[name] == heard.headers[name] for name in names)
        assert not SOURCE.receipt(receipt(shop, heard)).notices
        heard.headers["x-shopify-api-version"] = "2026-10"
        [notice] = SOURCE.receipt(receipt(shop, heard)).notices
        assert (notice.code, "2026-10" in notice.message) == ("SH_VERSION_OTHER", True)

    async def test_withheld_persons_take_nothing_away(self, shop: Shop, api: ShopApi) -> None:
        made = shop.act("customer", customer={"email": "ada@shop.example", "firstName": "Ada"})
        shop.switch(protected_data=False)
        token = (await shop.granted())["access_token"]
        found = await read(ShopApi(shop, token), CUSTOMER, made["id"].rpartition("/")[2])
        assert (found.fields["email"], found.fields["first_name"]) == (None, None)


class TestLists:
    async def test_customers_are_told_whole(self, shop: Shop, api: ShopApi) -> None:
        shop.act(
            "customer",
            customer={
                "email": "ada@shop.example",
                "firstName": "Ada",
                "tags": ["vip"],
                "addresses": [{"city": "Leeds", "countryCode": "GB"}],
            },
        )
        [page] = await pages(api, CUSTOMER)
        [told] = page.states
        found = await read(api, CUSTOMER, told.record)
        assert (dict(told.fields), page.complete) == (dict(found.fields), True)
        assert told.fields["tags"] == ["vip"]
        assert max(api.costs) <= 1000

    async def test_orders_are_named_and_the_list_is_never_complete(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(("5.00", 1))
        [page] = await pages(api, ORDER)
        [row] = page.states
        found = await read(api, ORDER, row.record)
        assert (row.kind, row.coverage, row.version.stamp) == ("changed", "list", found.version.stamp)
        assert dict(row.fields) == {"id": str(body["id"]), "updated_at": found.fields["updated_at"]}
        # The rest is read, once a version: nothing of it is taken for empty.
        assert {one.path.partition(".")[0] for one in CATALOGUES[ORDER].fields} - set(row.fields) == SOURCE.detail_only[
            ORDER
        ]
        assert not page.complete

    async def test_cursor_begins_where_the_search_was_certain(self, shop: Shop, api: ShopApi) -> None:
        """A change that the search had not seen yet is in the next listing."""
        shop.place(("1.00", 1))
        shop.later(3600)
        shop.switch(search_lag_s=120)
        late = shop.place(("2.00", 1))
        first = (await pages(api, ORDER))[-1]
        assert len(first.states) == 1
        shop.later(180)
        second = (await pages(api, ORDER, first.next))[-1]
        assert str(late["id"]) in {one.record for one in second.states}
        shop.later(3600)
        newest = (await pages(api, ORDER, second.next))[-1]
        third = (await pages(api, ORDER, newest.next))[-1]
        # Now the search was certain of it: it is not told again.
        assert (list(third.states), third.next) == ([], newest.next)

    async def test_pages_follow_each_other(self, shop: Shop, api: ShopApi) -> None:
        shop.simulator.seed("demo", 450, 1, False)
        found = await pages(api, CUSTOMER)
        assert [len(page.states) for page in found] == [200, 200, 50]
        assert len({one.record for page in found for one in page.states}) == 450
        again = await pages(api, CUSTOMER, found[0].next)
        assert [len(page.states) for page in again] == [200, 50]


class TestFailures:
    async def test_throttled_comes_back_when_the_bucket_is_full_enough(self, shop: Shop, api: ShopApi) -> None:
        body = shop.place(("5.00", 1))
        await read(api, ORDER, str(body["id"]))
        next(iter(shop.simulator.dump().shops["demo"].buckets.values())).left = 0.0
        [found] = await SOURCE.read(CONNECTION, [Subject(ORDER, RecordId(str(body["id"])))], api)
        assert isinstance(found, RateLimited)
        assert found.retry_at is not None
        wait = (found.retry_at - shop.core.clock.now()).total_seconds()
        assert 0 < wait <= 10
        shop.later(wait)
        await read(api, ORDER, str(body["id"]))

    @pytest.mark.parametrize(("condition", "code"), [("frozen", "SH_SHOP_CLOSED"), ("locked", "SH_SHOP_CLOSED")])
    async def test_closed_shop_closes_the_account(self, shop: Shop, api: ShopApi, condition: str, code: str) -> None:
        shop.act("condition", **{"is": condition})
        [found] = await SOURCE.read(CONNECTION, [Subject(ORDER, RecordId("1"))], api)
        assert isinstance(found, Rejected)
        assert (found.code, found.about) == (code, "account")

    async def test_right_that_is_missing_is_named(self, shop: Shop) -> None:
        token = (await shop.granted("read_customers"))["access_token"]
        [found] = await SOURCE.read(CONNECTION, [Subject(ORDER, RecordId("1"))], ShopApi(shop, token))
        assert isinstance(found, Rejected)
        assert (found.code, "read_orders" in found.vendor_words) == ("SH_ACCESS_DENIED", True)


def amount(fields: Any, name: str) -> Decimal:
    return Decimal(fields[name]["presentment"])


def sides(body: dict[str, Any], name: str) -> dict[str, str]:
    found = body[f"{name}_set"]
    return {"shop": found["shop_money"]["amount"], "presentment": found["presentment_money"]["amount"]}
