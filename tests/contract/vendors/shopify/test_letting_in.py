"""Consent, tokens and webhooks of the simulated shop, judged by our pure functions."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from common.secret import Secret
from tests.contract.sandbox.shopify.shop import REDIRECT, Heard, Listener, Shop
from tests.contract.vendors.shopify.shops import BASE, request
from tests.support.forging import BODY, SECRET, forged, signed
from vendors.grant import App, Ask, Discovery, GrantCall, Granted, GrantReply, NotGranted, Returned
from vendors.shopify.inbox import ShopifyInbox, hook_secret, shop_of
from vendors.shopify.oauth import ShopifyOAuth
from vendors.shopify.shop_token import ShopToken, bare, pasted_hook_secret
from vendors.shopify.shops import is_shop, named
from vendors.vendor import HookRequest, Subject, Unverified, Verified

SHOP = "demo.myshopify.com"
OAUTH, KEY, INBOX = ShopifyOAuth(), ShopToken(), ShopifyInbox()
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def app_of(shop: Shop) -> App:
    return App("shopify", shop.row["client_id"], {"": Secret(shop.row["client_secret"])}, REDIRECT, BASE)


async def sent(shop: Shop, call: GrantCall) -> GrantReply:
    answer = await shop.http.request(call.method, call.url, data=call.form, json=call.json, headers=dict(call.headers))
    return GrantReply(answer.status_code, answer.content)


async def back(shop: Shop) -> dict[str, str]:
    """The whole way through the page, from the address that we make."""
    address = OAUTH.consent_url(app_of(shop), Ask(SHOP, "state-1"))
    page = await shop.http.get(address)
    assert page.status_code == 200, page.text
    asked = dict(parse_qsl(urlsplit(address).query)) | {"decision": "install"}
    answer: httpx.Response = await shop.http.post(address, data=asked)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def granted(shop: Shop) -> Granted:
    came = OAUTH.returned(app_of(shop), SHOP, await back(shop))
    assert isinstance(came, Returned), came
    found = OAUTH.exchanged(app_of(shop), SHOP, await sent(shop, OAUTH.exchange(app_of(shop), SHOP, came.code, "")))
    assert isinstance(found, Granted), found
    return found


class TestConsent:
    async def test_whole_way(self, shop: Shop) -> None:
        found = await granted(shop)
        assert (found.lives, found.refresh_lives, found.site) == (timedelta(hours=1), timedelta(days=90), SHOP)
        assert found.refresh is not None
        opened = OAUTH.discovered(
            app_of(shop), SHOP, await sent(shop, OAUTH.discover(app_of(shop), SHOP, found.access))
        )
        assert isinstance(opened, Discovery)
        assert (opened.places[0].id, opened.details["currency"]) == (SHOP, "EUR")
        assert "read_orders" in opened.details["scopes"]

    @pytest.mark.parametrize("name", ["code", "shop", "state", "timestamp", "hmac"])
    async def test_callback_that_somebody_changed_is_refused(self, shop: Shop, name: str) -> None:
        came = OAUTH.returned(app_of(shop), SHOP, await back(shop) | {name: "other.myshopify.com"})
        assert isinstance(came, NotGranted)

    async def test_callback_of_another_shop_is_refused(self, shop: Shop) -> None:
        came = OAUTH.returned(app_of(shop), "other.myshopify.com", await back(shop))
        assert isinstance(came, NotGranted)

    @pytest.mark.parametrize(
        "domain",
        [
            "evil.example",
            "a.myshopify.com.evil.example",
            "-a.myshopify.com",
            "a.b.myshopify.com",
            "a.myshopify.com\n",
            "a/../b.myshopify.com",
            "",
        ],
    )
    def test_what_is_no_shop_gets_no_address(self, domain: str) -> None:
        assert not is_shop(domain)
        assert OAUTH.origins(App("shopify", "id"), domain) == frozenset()

    @pytest.mark.parametrize("given", ["demo", " Demo ", "demo.myshopify.com", "DEMO.MyShopify.com"])
    def test_person_names_a_shop_by_name_or_domain(self, given: str) -> None:
        assert named(given) == SHOP

    @pytest.mark.parametrize(
        "given", ["", "-demo", "demo.example.org", "a.b.myshopify.com", "demo/admin", "demo.", "dé"]
    )
    def test_what_is_no_shop_is_none(self, given: str) -> None:
        assert named(given) == ""

    def test_callback_counts_by_the_secret_that_is_being_replaced(self) -> None:
        app = App("shopify", "id", {"": Secret("new")}, REDIRECT, BASE, Secret("old"))
        told = {"shop": SHOP, "code": "c", "state": "s"}
        for secret, counts in (("new", True), ("old", True), ("older", False)):
            signature = hmac.digest(secret.encode(), b"code=c&shop=demo.myshopify.com&state=s", "sha256").hex()
            assert isinstance(OAUTH.returned(app, SHOP, told | {"hmac": signature}), Returned) is counts


class TestShopOfABody:
    @pytest.mark.parametrize(
        ("body", "shop"),
        [
            (b'{"order_status_url": "https://demo.myshopify.com/1/orders/a?key=b"}', SHOP),
            (b'{"order_status_url": "https://shop.example/1/orders/a"}', ""),
            (b'{"myshopify_domain": "Demo.myshopify.com"}', SHOP),
            (b"nonsense", ""),
        ],
    )
    def test_is_told_where_it_is_one_of_the_vendors(self, body: bytes, shop: str) -> None:
        assert shop_of(body) == shop


class TestTokens:
    async def test_refresh_replaces_both_and_a_lost_answer_costs_nothing(self, shop: Shop) -> None:
        first = await granted(shop)
        assert first.refresh is not None
        call = OAUTH.refresh(app_of(shop), SHOP, first.refresh)
        await sent(shop, call)
        again = OAUTH.refreshed(app_of(shop), SHOP, await sent(shop, call))
        assert isinstance(again, Granted)
        assert again.access.reveal() != first.access.reveal()
        opened = await sent(shop, OAUTH.discover(app_of(shop), SHOP, again.access))
        assert isinstance(OAUTH.discovered(app_of(shop), SHOP, opened), Discovery)
        over = OAUTH.refreshed(app_of(shop), SHOP, await sent(shop, call))
        assert isinstance(over, NotGranted)
        assert over.means == "dead"

    async def test_kind_is_told_by_its_lifetime_alone(self, shop: Shop) -> None:
        endless = await shop.token(code=(await shop.consent())["code"])
        found = OAUTH.exchanged(app_of(shop), SHOP, GrantReply(200, endless.content))
        assert isinstance(found, Granted)
        assert (found.lives, found.refresh) == (None, None)
        opened = await sent(shop, OAUTH.discover(app_of(shop), SHOP, found.access))
        assert isinstance(OAUTH.discovered(app_of(shop), SHOP, opened), NotGranted)

    async def test_token_of_a_shops_own_application_names_its_shop(self, shop: Shop) -> None:
        pasted = Secret(f"{SHOP}:{shop.row['access_token']}")
        assert KEY.site(pasted) == SHOP
        assert KEY.site(Secret(shop.row["access_token"])) is None
        opened = KEY.discovered(app_of(shop), SHOP, await sent(shop, KEY.discover(app_of(shop), SHOP, pasted)))
        assert isinstance(opened, Discovery)

    def test_its_secret_may_stand_behind_the_token(self, shop: Shop) -> None:
        pasted = f"Demo.myshopify.com:{shop.row['access_token']}"
        with_secret = Secret(f"{pasted}:{shop.row['custom_secret']}")
        assert KEY.site(with_secret) == SHOP
        assert bare(with_secret.reveal()) == bare(pasted) == bare(shop.row["access_token"]) == shop.row["access_token"]
        found = pasted_hook_secret(with_secret)
        assert found is not None
        assert found.reveal() == f"{SHOP}:{shop.row['custom_secret']}"
        assert pasted_hook_secret(Secret(pasted)) is None
        for wrong in (":", ":short", ":sixteen letters!!", ":a:b"):
            assert KEY.site(Secret(f"{pasted}{wrong}")) is None

    def test_answer_that_is_none_is_no_verdict(self) -> None:
        for body in (b"", b"<html>", b"[]", b'{"access_token": 1}', b'{"access_token": "a", "expires_in": 3600}'):
            found = OAUTH.refreshed(App("shopify", "id"), SHOP, GrantReply(200, body))
            assert isinstance(found, NotGranted)
            assert found.means == "unknown"


class TestInbox:
    async def heard(self, shop: Shop, listener: Listener, topic: str = "ORDERS_CREATE") -> tuple[bytes, Heard]:
        await shop.subscribe(listener.url, topic)
        shop.place(("5.00", 1))
        return shop.row["custom_secret"].encode(), (await listener.until(1))[0]

    async def test_signature_counts_by_either_secret(self, shop: Shop, listener: Listener) -> None:
        secret, heard = await self.heard(shop, listener)
        assert isinstance(INBOX.verify(request(heard), [b"another", secret], NOW), Verified)
        assert isinstance(INBOX.verify(request(heard), [b"another"], NOW), Unverified)
        assert isinstance(INBOX.verify(request(heard), [], NOW), Unverified)

    async def test_shop_that_is_called_is_the_one_that_sent_it(self, shop: Shop, listener: Listener) -> None:
        """All shops sign with one secret: what one sent is nothing to another's connection, whatever the header says."""
        key, heard = await self.heard(shop, listener)
        ours, others = (
            hook_secret(site, Secret(key.decode())).reveal().encode() for site in (SHOP, "other.myshopify.com")
        )
        assert isinstance(INBOX.verify(request(heard), [others, ours], NOW), Verified)
        assert isinstance(INBOX.verify(request(heard), [others], NOW), Unverified)
        claimed = request(heard, headers={"x-shopify-shop-domain": "other.myshopify.com"})
        assert isinstance(INBOX.verify(claimed, [ours], NOW), Unverified)
        body = b'{"shop_domain": "other.myshopify.com"}'
        signature = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
        named = request(
            heard, body=body, headers={"x-shopify-hmac-sha256": signature, "x-shopify-topic": "shop/redact"}
        )
        assert isinstance(INBOX.verify(named, [ours], NOW), Unverified)

    async def test_changed_body_is_refused(self, shop: Shop, listener: Listener) -> None:
        secret, heard = await self.heard(shop, listener)
        body = heard.body + b" "
        assert isinstance(INBOX.verify(request(heard, body=body), [secret], NOW), Unverified)

    @pytest.mark.parametrize("topic", ["customers/create", "orders/delete", "refunds/create", "orders/edited"])
    async def test_changed_topic_does_not_make_an_order_something_else(
        self, shop: Shop, listener: Listener, topic: str
    ) -> None:
        secret, heard = await self.heard(shop, listener)
        changed = request(heard, headers={"x-shopify-topic": topic})
        assert isinstance(INBOX.verify(changed, [secret], NOW), Unverified)

    def test_not_one_of_ten_thousand_forged_is_believed(self) -> None:
        ours = hook_secret(SHOP, Secret(SECRET)).reveal().encode()
        headers = {"x-shopify-topic": "orders/create", "x-shopify-shop-domain": SHOP}
        believed = [
            signature
            for body, signature in forged(10_000, seed=1)
            if isinstance(
                INBOX.verify(
                    HookRequest("POST", "/", "", {**headers, "x-shopify-hmac-sha256": signature}, body, ""),
                    [b"former", ours],
                    NOW,
                ),
                Verified,
            )
        ]
        assert believed == []
        right = {**headers, "x-shopify-hmac-sha256": signed(BODY)}
        assert isinstance(INBOX.verify(HookRequest("POST", "/", "", right, BODY, ""), [b"former", ours], NOW), Verified)

    async def test_subject_is_the_order_with_every_digit(self, shop: Shop, listener: Listener) -> None:
        _, heard = await self.heard(shop, listener)
        subject = INBOX.subject(request(heard))
        assert isinstance(subject, Subject)
        assert subject.record in shop.state["orders"]
        assert int(subject.record) > 2**53

    def test_vector_of_the_sheet(self) -> None:
        body = (
            b'{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","name":"#9999",'
            b'"currency":"USD","total_price":"403.00","updated_at":"2026-01-01T00:00:00-05:00"}'
        )
        headers = {"x-shopify-hmac-sha256": "CKPronsvrFk/+6UhvcEy66VOlK5juzfM2GgxFRym1ZQ="}
        found = INBOX.verify(HookRequest("POST", "/", "", headers, body, ""), [b"shopify-app-secret-31aa"], NOW)
        assert isinstance(found, Verified)
