"""The GraphQL address: what is refused, what it costs, what lists and searches do (sheet, section 2)."""

from __future__ import annotations

import json

import pytest

from tests.contract.sandbox.shopify.shop import API, Shop, amount, order_input

ORDERS = "query($q:String,$a:String){orders(first:2,sortKey:UPDATED_AT,query:$q,after:$a){nodes{id name} pageInfo{hasNextPage endCursor}}}"


class TestStatus:
    async def test_token_unknown(self, shop: Shop) -> None:
        assert (await shop.post("{shop{name}}", token="shpat_x")).status_code == 401

    async def test_shop_unknown(self, shop: Shop) -> None:
        assert (await shop.post("{shop{name}}", path=API.replace("demo", "nobody"))).status_code == 404

    @pytest.mark.parametrize(("condition", "status"), [("frozen", 402), ("locked", 423)])
    async def test_shop_that_does_not_answer(self, shop: Shop, condition: str, status: int) -> None:
        shop.act("condition", **{"is": condition})
        assert (await shop.post("{shop{name}}")).status_code == status

    async def test_errors_come_with_200(self, shop: Shop) -> None:
        found = await shop.ask("{orders(first:1){nodes{totalPrise}}}")
        assert found["errors"][0]["extensions"]["code"] == "undefinedField"
        assert found["errors"][0]["message"] == "Field 'totalPrise' doesn't exist on type 'Order'"
        assert "data" not in found

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"query": 1}', b'{"query": "{shop{name}}", "variables": []}'[:-4] + b'"no"}']
    )
    async def test_what_is_no_request_is_a_400(self, shop: Shop, body: bytes) -> None:
        answer = await shop.http.post(API, content=body, headers={"x-shopify-access-token": shop.row["access_token"]})
        assert answer.status_code == 400

    async def test_scope_that_is_missing_leaves_the_field_empty(self, shop: Shop) -> None:
        token = (await shop.granted("read_customers"))["access_token"]
        found = await shop.ask('{shop{name} order(id:"gid://shopify/Order/1"){id}}', token=token)
        assert found["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
        assert found["data"] == {"shop": {"name": "Demo Shop"}, "order": None}

    async def test_whoever_is_not_approved_sees_no_person(self, shop: Shop) -> None:
        shop.act("customer", customer={"email": "ada@shop.example", "firstName": "Ada"})
        shop.switch(protected_data=False)
        query = "{customers(first:1){nodes{id email firstName displayName}}}"
        hidden = (await shop.ask(query, token=(await shop.granted())["access_token"]))["data"]["customers"]["nodes"][0]
        assert (hidden["email"], hidden["firstName"], hidden["displayName"]) == (None, None, "")
        assert (await shop.data(query))["customers"]["nodes"][0]["firstName"] == "Ada"


class TestVersions:
    async def test_served_one_is_named(self, shop: Shop) -> None:
        assert (await shop.post("{shop{name}}")).headers["x-shopify-api-version"] == "2026-04"

    async def test_an_old_one_falls_forward(self, shop: Shop) -> None:
        await shop.http.post("/_sandbox/clock", json={"at": "2026-11-15T00:00:00Z"})
        answer = await shop.post("{shop{name}}", path=API.replace("2026-04", "2024-01"))
        assert answer.headers["x-shopify-api-version"] == "2025-10"

    async def test_those_in_support_are_listed(self, shop: Shop) -> None:
        await shop.http.post("/_sandbox/clock", json={"at": "2026-11-15T00:00:00Z"})
        listed = (await shop.data("{publicApiVersions{handle supported}}"))["publicApiVersions"]
        assert [one["handle"] for one in listed if one["supported"]] == [
            "2025-10",
            "2026-01",
            "2026-04",
            "2026-07",
            "2026-10",
        ]

    async def test_a_name_that_is_none_is_a_404(self, shop: Shop) -> None:
        assert (await shop.post("{shop{name}}", path=API.replace("2026-04", "2026-05"))).status_code == 404


class TestCost:
    async def test_is_told_and_what_was_not_used_is_given_back(self, shop: Shop) -> None:
        found = await shop.ask("{orders(first:100){nodes{id customer{id}}}}")
        cost = found["extensions"]["cost"]
        assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (102, 2)
        assert cost["throttleStatus"] == {"maximumAvailable": 2000.0, "currentlyAvailable": 1998, "restoreRate": 100.0}

    async def test_a_query_too_dear_is_refused(self, shop: Shop) -> None:
        found = await shop.ask("{orders(first:250){nodes{lineItems(first:50){nodes{id}}}}}")
        assert found["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"

    async def test_throttled_is_a_200_and_costs_nothing(self, shop: Shop) -> None:
        for _ in range(3):
            found = await shop.ask("{customers(first:250){nodes{id orders(first:1){nodes{id}}}}}")
            assert "data" in found
        bucket = next(iter(shop.simulator.dump().shops["demo"].buckets.values()))
        bucket.left = 10.0
        found = await shop.ask("{orders(first:100){nodes{id customer{id}}}}")
        assert found["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert found["extensions"]["cost"]["actualQueryCost"] is None
        assert "data" not in found
        shop.later(1)
        assert "data" in await shop.ask("{orders(first:100){nodes{id customer{id}}}}")

    async def test_operator_pays_nothing(self, shop: Shop) -> None:
        bucket = shop.simulator.dump().shops["demo"].buckets
        await shop.ask("{orders(first:100){nodes{id}}}", token=shop.row["operator_token"])
        assert all(one.left in (-1.0, 2000.0) for one in bucket.values())
        assert shop.app.log.last(1)[0].operator


class TestLists:
    async def test_pages_neither_skip_nor_repeat_while_rows_move(self, shop: Shop) -> None:
        for _ in range(4):
            shop.later(10)
            await shop.order()
        first = (await shop.data(ORDERS))["orders"]
        shop.later(10)
        shop.act("reword_order", id=first["nodes"][0]["id"], order={"note": "moved"})
        second = (await shop.data(ORDERS, a=first["pageInfo"]["endCursor"]))["orders"]
        third = (await shop.data(ORDERS, a=second["pageInfo"]["endCursor"]))["orders"]
        names = [one["name"] for page in (first, second, third) for one in page["nodes"]]
        assert names == ["#1001", "#1002", "#1003", "#1004", "#1001"]
        assert not third["pageInfo"]["hasNextPage"]

    async def test_search_by_time(self, shop: Shop) -> None:
        await shop.order()
        shop.later(3600)
        second = await shop.order()
        found = await shop.data(ORDERS, q=f"updated_at:>='{second['updatedAt']}'")
        assert [one["name"] for one in found["orders"]["nodes"]] == ["#1002"]

    async def test_search_lags_behind_the_record(self, shop: Shop) -> None:
        shop.switch(search_lag_s=60)
        made = await shop.order()
        assert (await shop.data(ORDERS))["orders"]["nodes"] == []
        assert (await shop.data("query($i:ID!){order(id:$i){id}}", i=made["id"]))["order"] is not None
        shop.later(61)
        assert len((await shop.data(ORDERS))["orders"]["nodes"]) == 1

    async def test_customers_match_whole_days(self, shop: Shop) -> None:
        await shop.http.post("/_sandbox/clock", json={"at": "2026-11-15T10:00:00Z"})
        shop.act("customer", customer={"email": "ada@shop.example"})
        query = "query($q:String){customers(first:5,query:$q){nodes{id}}}"
        later_that_day = await shop.data(query, q="updated_at:>='2026-11-15T20:00:00Z'")
        assert len(later_that_day["customers"]["nodes"]) == 1
        assert (await shop.data(query, q="updated_at:>=2026-11-16"))["customers"]["nodes"] == []

    async def test_unknown_filter_is_passed_over_with_a_warning(self, shop: Shop) -> None:
        await shop.order()
        found = await shop.ask(ORDERS, q="updatedat:>=2040-01-01")
        assert len(found["data"]["orders"]["nodes"]) == 1
        assert found["extensions"]["search"][0]["warnings"][0]["field"] == "updatedat"

    async def test_a_size_is_needed(self, shop: Shop) -> None:
        assert "errors" in await shop.ask("{orders{nodes{id}}}")
        assert "errors" in await shop.ask("{orders(first:251){nodes{id}}}")

    async def test_old_orders_are_hidden_without_their_scope(self, shop: Shop) -> None:
        made = await shop.order()
        shop.later(61 * 86_400)
        token = (await shop.granted("read_orders"))["access_token"]
        hidden = await shop.ask("query($i:ID!){order(id:$i){id} orders(first:5){nodes{id}}}", token=token, i=made["id"])
        assert hidden["data"] == {"order": None, "orders": {"nodes": []}}
        token = (await shop.granted("read_orders,read_all_orders"))["access_token"]
        assert len((await shop.ask(ORDERS, token=token))["data"]["orders"]["nodes"]) == 1

    async def test_email_is_found_exactly(self, shop: Shop) -> None:
        for email in ("ada@shop.example", "ada@shop.example.org"):
            shop.act("customer", customer={"email": email})
        query = "query($q:String){customers(first:5,query:$q){nodes{email}}}"
        assert [
            one["email"] for one in (await shop.data(query, q="email:'ada@shop.example'"))["customers"]["nodes"]
        ] == ["ada@shop.example"]


class TestMutations:
    async def test_what_cannot_be_is_a_user_error(self, shop: Shop) -> None:
        query = "mutation($o:OrderCreateOrderInput!){orderCreate(order:$o){order{id} userErrors{field message code}}}"
        found = (await shop.data(query, o={"lineItems": []}))["orderCreate"]
        assert found["order"] is None
        assert found["userErrors"][0]["field"] == ["order", "lineItems"]

    async def test_log_names_what_was_applied(self, shop: Shop) -> None:
        made = await shop.order()
        assert [(one.kind, one.id, one.op) for one in shop.applied] == [
            ("order", made["id"].rpartition("/")[2], "create")
        ]
        update = "mutation($i:OrderInput!){orderUpdate(input:$i){order{note} userErrors{message}}}"
        await shop.data(update, i={"id": made["id"], "note": "gift"})
        assert [one.op for one in shop.applied] == ["update"]
        await shop.data(update, i={"id": made["id"], "note": "gift"})
        assert [one.op for one in shop.applied] == ["noop"]

    async def test_ids_are_larger_than_a_float_holds(self, shop: Shop) -> None:
        number = int((await shop.order())["id"].rpartition("/")[2])
        assert int(float(number)) != number or number > 2**53

    async def test_customer_of_a_taken_address_is_refused(self, shop: Shop) -> None:
        query = "mutation($c:CustomerInput!){customerCreate(input:$c){customer{id} userErrors{field message}}}"
        await shop.data(query, c={"email": "ada@shop.example"})
        found = (await shop.data(query, c={"email": "ADA@shop.example"}))["customerCreate"]
        assert found["userErrors"] == [{"field": ["email"], "message": "Email has already been taken"}]

    async def test_draft_is_no_order_until_it_is_completed(self, shop: Shop) -> None:
        draft = "mutation($d:DraftOrderInput!){draftOrderCreate(input:$d){draftOrder{id} userErrors{message}}}"
        lines = [{"title": "Tea", "quantity": 2, "originalUnitPrice": "4.00"}]
        made = (await shop.data(draft, d={"lineItems": lines}))["draftOrderCreate"]["draftOrder"]
        assert shop.state["orders"] == {}
        complete = "mutation($i:ID!){draftOrderComplete(id:$i){draftOrder{order{totalPriceSet{shopMoney{amount}}}} userErrors{message}}}"
        done = (await shop.data(complete, i=made["id"]))["draftOrderComplete"]["draftOrder"]
        assert done["order"]["totalPriceSet"]["shopMoney"]["amount"] == "8.00"

    async def test_refund_of_more_than_was_bought_is_refused(self, shop: Shop) -> None:
        order = shop.place(("10.00", 1), financialStatus="PAID")
        query = "mutation($r:RefundInput!){refundCreate(input:$r){refund{id} userErrors{message}}}"
        line = {"lineItemId": f"gid://shopify/LineItem/{order['line_items'][0]['id']}", "quantity": 2}
        found = await shop.data(query, r={"orderId": order["admin_graphql_api_id"], "refundLineItems": [line]})
        assert found["refundCreate"]["refund"] is None

    async def test_cancelling_twice_is_refused(self, shop: Shop) -> None:
        made = await shop.order(("5.00", 1), financialStatus="PAID", transactions=[{"amountSet": amount("5.00")}])
        query = (
            "mutation($i:ID!){orderCancel(orderId:$i,reason:CUSTOMER,restock:true,refund:true)"
            "{job{done} orderCancelUserErrors{message code}}}"
        )
        assert (await shop.data(query, i=made["id"]))["orderCancel"]["orderCancelUserErrors"] == []
        assert (await shop.data(query, i=made["id"]))["orderCancel"]["orderCancelUserErrors"][0]["code"] == "INVALID"
        order = next(iter(shop.state["orders"].values()))
        assert (order["financial_status"], order["cancel_reason"]) == ("refunded", "customer")


class TestSteering:
    async def test_snapshot_brings_everything_back(self, shop: Shop) -> None:
        shop.simulator.seed("demo", 40, 1, True)
        before = json.dumps(shop.state)
        dumped = shop.simulator.dump()
        shop.simulator.load(dumped)
        assert json.dumps(shop.state) == before

    async def test_same_seed_gives_the_same_shop(self, shop: Shop) -> None:
        shop.simulator.seed("other", 40, 7, True)
        first = json.dumps(shop.simulator.state("other"))
        shop.simulator.reset()
        shop.later(3600)
        shop.simulator.seed("other", 40, 7, True)
        assert json.dumps(shop.simulator.state("other")) == first

    async def test_storm_is_the_vendors_own_answer(self, shop: Shop) -> None:
        await shop.http.post("/_sandbox/faults", json={"vendor": "shopify", "kind": "storm_429", "count": 1})
        assert (await shop.ask("{shop{name}}"))["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert "data" in await shop.ask("{shop{name}}")


class TestOddWishes:
    @pytest.mark.parametrize(
        "query", ["updated_at:<=9999-12-31", "updated_at:>'0001-01-01T00:00:00+14:00'", "NOT id:1 OR (", "created_at:x"]
    )
    async def test_dates_at_the_end_of_calendars_are_answered(self, shop: Shop, query: str) -> None:
        await shop.order()
        assert "errors" not in await shop.ask(ORDERS, q=query)

    async def test_price_of_nothing_in_one_money_makes_no_rate(self, shop: Shop) -> None:
        price = {
            "shopMoney": {"amount": "5.00", "currencyCode": "EUR"},
            "presentmentMoney": {"amount": "0", "currencyCode": "USD"},
        }
        order = {
            "lineItems": [{"title": "Tea", "quantity": 1, "priceSet": price}],
            "presentmentCurrency": "USD",
            "tip": "1.00",
        }
        assert shop.act("place_order", order=order)["total"] == "1.00"

    async def test_negative_price_is_refused(self, shop: Shop) -> None:
        query = "mutation($o:OrderCreateOrderInput!){orderCreate(order:$o){order{id} userErrors{message}}}"
        assert (await shop.data(query, o=order_input(("-1.00", 1))))["orderCreate"]["userErrors"] != []
