"""Consent, its signed way back, both kinds of token, rotation with grace (sheet, section 1)."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.contract.sandbox.shopify.shop import REDIRECT, Shop

SHOP_NAME = "{shop{name}}"


def callback_hmac(secret: str, query: dict[str, str]) -> str:
    message = "&".join(f"{name}={query[name]}" for name in sorted(query) if name != "hmac")
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


class TestVector:
    def test_is_that_of_the_sheet(self) -> None:
        told = {
            "code": "0907a61c0c8d55e99db179b68161bc00",
            "host": "YWRtaW4uc2hvcGlmeS5jb20",
            "shop": "some-shop.myshopify.com",
            "state": "0.6784241404160823",
            "timestamp": "1337178173",
        }
        signature = callback_hmac("shopify-app-secret-31aa", told)
        assert signature == "cc07b2ee2ebe9a95c0ffc869b5ea1fb908a00cc877c785463adff060dfa0f604"


class TestConsent:
    async def test_comes_back_signed(self, shop: Shop) -> None:
        told = await shop.consent(state="our state")
        assert (told["shop"], told["state"]) == ("demo.myshopify.com", "our state")
        assert told["hmac"] == callback_hmac(shop.row["client_secret"], told)

    async def test_shows_a_page_that_names_what_is_asked(self, shop: Shop) -> None:
        asked = {"client_id": shop.row["client_id"], "scope": "read_orders", "redirect_uri": REDIRECT, "state": "s"}
        page = await shop.http.get("/shopify/demo/admin/oauth/authorize", params=asked)
        assert page.status_code == 200
        assert "read_orders" in page.text

    @pytest.mark.parametrize(
        "wrong", [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example"}, {"scope": ""}]
    )
    async def test_of_a_stranger_ends_on_the_page(self, shop: Shop, wrong: dict[str, str]) -> None:
        asked = {"client_id": shop.row["client_id"], "scope": "read_orders", "redirect_uri": REDIRECT, **wrong}
        assert (await shop.http.get("/shopify/demo/admin/oauth/authorize", params=asked)).status_code == 400

    async def test_may_grant_fewer_scopes(self, shop: Shop) -> None:
        shop.act("scopes", granted=["read_orders"])
        assert (await shop.granted("read_orders,read_all_orders"))["scope"] == "read_orders"

    async def test_code_is_good_once(self, shop: Shop) -> None:
        code = (await shop.consent())["code"]
        assert (await shop.token(code=code, expiring="1")).status_code == 200
        assert (await shop.token(code=code, expiring="1")).status_code == 400


class TestTokens:
    async def test_expiring_kind_lives_an_hour(self, shop: Shop) -> None:
        pair = await shop.granted()
        assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (3600, 7776000)
        assert pair["access_token"].startswith("shpat_")
        assert (await shop.post(SHOP_NAME, token=pair["access_token"])).status_code == 200
        shop.later(3601)
        assert (await shop.post(SHOP_NAME, token=pair["access_token"])).status_code == 401

    async def test_other_kind_is_refused_everywhere(self, shop: Shop) -> None:
        endless = await shop.granted(expiring="")
        assert "expires_in" not in endless
        answer = await shop.post(SHOP_NAME, token=endless["access_token"])
        assert answer.status_code == 403
        assert "Non-expiring access tokens are no longer accepted" in answer.json()["errors"]
        shop.switch(non_expiring_tokens="accepted")
        assert (await shop.post(SHOP_NAME, token=endless["access_token"])).status_code == 200

    async def test_other_kind_can_be_exchanged_and_dies(self, shop: Shop) -> None:
        endless = (await shop.granted(expiring=""))["access_token"]
        exchange = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": endless}
        pair = (await shop.token(**exchange, expiring="1")).json()
        assert (await shop.post(SHOP_NAME, token=pair["access_token"])).status_code == 200
        assert (await shop.post(SHOP_NAME, token=endless)).status_code == 401

    async def test_own_app_of_a_shop_has_one_that_stays(self, shop: Shop) -> None:
        shop.later(10 * 365 * 86_400)
        assert (await shop.post(SHOP_NAME)).status_code == 200


class TestRefresh:
    async def refresh(self, shop: Shop, token: str) -> dict[str, str]:
        answer = await shop.token(grant_type="refresh_token", refresh_token=token)
        return dict(answer.json())

    async def test_rotates_and_kills_the_former_access_token(self, shop: Shop) -> None:
        first = await shop.granted()
        second = await self.refresh(shop, first["refresh_token"])
        assert second["refresh_token"] != first["refresh_token"]
        assert (await shop.post(SHOP_NAME, token=first["access_token"])).status_code == 401
        assert (await shop.post(SHOP_NAME, token=second["access_token"])).status_code == 200

    async def test_former_token_works_until_the_new_pair_is_used(self, shop: Shop) -> None:
        first = await shop.granted()
        lost = await self.refresh(shop, first["refresh_token"])
        again = await self.refresh(shop, first["refresh_token"])
        assert again["access_token"] != lost["access_token"]
        assert (await shop.post(SHOP_NAME, token=again["access_token"])).status_code == 200
        assert (await self.refresh(shop, first["refresh_token"]))["error"] == "invalid_grant"
        assert "access_token" in await self.refresh(shop, again["refresh_token"])

    async def test_without_grace_a_lost_answer_is_the_end(self, shop: Shop) -> None:
        shop.switch(former_refresh="dead")
        first = await shop.granted()
        await self.refresh(shop, first["refresh_token"])
        assert (await self.refresh(shop, first["refresh_token"]))["error"] == "invalid_grant"

    async def test_ends_after_ninety_days(self, shop: Shop) -> None:
        first = await shop.granted()
        shop.later(7776001)
        assert (await self.refresh(shop, first["refresh_token"]))["error"] == "invalid_grant"


class TestEnd:
    async def test_uninstalling_kills_tokens(self, shop: Shop) -> None:
        pair = await shop.granted()
        shop.act("uninstall")
        assert (await shop.post(SHOP_NAME, token=pair["access_token"])).status_code == 401

    async def test_rotated_secret_and_the_oldest_are_both_good(self, shop: Shop) -> None:
        shop.act("rotate_secret")
        assert (await shop.token(code=(await shop.consent())["code"], expiring="1")).status_code == 200
        shop.act("revoke_secret")
        assert (await shop.token(code="x")).json()["error"] == "invalid_client"
