"""OAuth: the consent page, the code, the token that never expires, and its metadata."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contract.sandbox.mailchimp.vendor import Vendor

BACK = "http://127.0.0.1:1/oauth/callback?from=test"


class Visitor:
    """Somebody with a browser, and the application that sent them."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.login = f"{vendor.sandbox.base_url}/mailchimp/login/oauth2"
        self.http = httpx.Client(trust_env=False, verify=False)

    def page(self, **changes: str) -> httpx.Response:
        asked = {"response_type": "code", "client_id": self.vendor.client_id, "redirect_uri": BACK, "state": "s t"}
        return self.http.get(f"{self.login}/authorize", params=asked | changes)

    def decide(self, page: httpx.Response, decision: str) -> dict[str, list[str]]:
        """Fill in the form as it stands on the page and follow it to the redirect."""
        action = re.search(r'action="([^"]+)"', page.text)
        assert action is not None
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        user = re.search(r'name="user" value="([^"]+)"', page.text)
        assert user is not None
        answer = self.http.post(
            self.vendor.sandbox.base_url + action[1], data={**fields, "user": user[1], "decision": decision}
        )
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("http://127.0.0.1:1/oauth/callback?from=test&")
        return parse_qs(urlsplit(answer.headers["location"]).query)

    def code(self) -> str:
        return self.decide(self.page(), "approve")["code"][0]

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": self.vendor.client_id,
            "client_secret": self.vendor.client_secret,
            "redirect_uri": BACK,
            "code": code,
        }
        return self.http.post(f"{self.login}/token", data=form | changes)

    def token(self) -> str:
        answer = self.exchange(self.code())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def visitor(vendor: Vendor) -> Visitor:
    return Visitor(vendor)


class TestConsent:
    def test_approval_comes_back_with_a_code_and_the_state(self, visitor: Visitor) -> None:
        told = visitor.decide(visitor.page(), "approve")
        assert told["state"] == ["s t"]
        assert len(told["code"][0]) == 32

    def test_denial_comes_back_as_an_error(self, visitor: Visitor) -> None:
        assert visitor.decide(visitor.page(), "deny")["error"] == ["access_denied"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"client_id": "stranger"},
            {"redirect_uri": "https://evil.example/"},
            {"redirect_uri": "javascript:alert(1)"},
            {"response_type": "token"},
        ],
    )
    def test_nobody_is_sent_on_when_the_request_is_wrong(self, visitor: Visitor, wrong: dict[str, str]) -> None:
        page = visitor.page(**wrong)
        assert page.status_code == 400
        assert "<form" not in page.text

    def test_what_is_carried_cannot_break_out_of_the_page(self, visitor: Visitor) -> None:
        page = visitor.page(state='"><script>alert(1)</script>')
        assert "<script>" not in page.text


class TestExchange:
    def test_gives_a_token_without_an_end_and_without_scope(self, visitor: Visitor) -> None:
        told = visitor.exchange(visitor.code()).json()
        assert set(told) == {"access_token", "expires_in", "scope"}
        assert (told["expires_in"], told["scope"]) == (0, None)

    def test_a_code_is_good_once(self, visitor: Visitor) -> None:
        code = visitor.code()
        assert visitor.exchange(code).status_code == 200
        assert visitor.exchange(code).json()["error"] == "invalid_grant"

    def test_a_code_grows_old(self, visitor: Visitor) -> None:
        code = visitor.code()
        visitor.vendor.advance(601)
        assert visitor.exchange(code).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"redirect_uri": "http://127.0.0.1:2/"}, "invalid_grant"),
            ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ],
    )
    def test_everything_must_fit(self, visitor: Visitor, change: dict[str, str], error: str) -> None:
        answer = visitor.exchange(visitor.code(), **change)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


class TestToken:
    def test_opens_the_api_as_a_bearer(self, visitor: Visitor) -> None:
        headers = {"authorization": f"Bearer {visitor.token()}"}
        visitor.vendor.advance(10 * 365 * 86_400)
        assert visitor.http.get(f"{visitor.vendor.api}/ping", headers=headers).status_code == 200

    def test_tells_where_its_account_lives(self, visitor: Visitor) -> None:
        headers = {"authorization": f"OAuth {visitor.token()}"}
        told = visitor.http.get(f"{visitor.login}/metadata", headers=headers).json()
        assert told["dc"] == "us6"
        assert f"{told['api_endpoint']}/3.0" == visitor.vendor.api
        assert set(told) == {"dc", "role", "accountname", "user_id", "login", "login_url", "api_endpoint"}

    def test_dies_when_the_user_revokes_it(self, visitor: Visitor) -> None:
        token = visitor.token()
        fault = {"vendor": "mailchimp", "kind": "token_revoked", "count": 1}
        visitor.vendor.sandbox.post("faults", fault)
        headers = {"authorization": f"Bearer {token}"}
        for _ in range(2):
            answer = visitor.http.get(f"{visitor.vendor.api}/ping", headers=headers)
            assert (answer.status_code, answer.json()["title"]) == (401, "API Key Invalid")
        assert (
            visitor.http.get(f"{visitor.login}/metadata", headers={"authorization": f"OAuth {token}"}).status_code
            == 401
        )

    def test_outlives_a_reset_of_the_records(self, visitor: Visitor) -> None:
        headers = {"authorization": f"Bearer {visitor.token()}"}
        visitor.vendor.sandbox.post("reset")
        assert visitor.http.get(f"{visitor.vendor.api}/ping", headers=headers).status_code == 200


class TestCredentials:
    def test_a_key_works_as_basic_password_and_as_bearer(self, vendor: Vendor) -> None:
        assert vendor.call("GET", "/ping").status_code == 200
        bearer = {"authorization": f"Bearer {vendor.key}"}
        assert httpx.get(f"{vendor.api}/ping", headers=bearer, trust_env=False, verify=False).status_code == 200

    def test_a_key_ends_in_its_data_centre(self, vendor: Vendor) -> None:
        assert re.fullmatch(r"[0-9a-f]{32}-us6", vendor.key)

    def test_the_wrong_data_centre_is_a_401(self, vendor: Vendor) -> None:
        other = vendor.api.replace("/us6/", "/us7/")
        answer = httpx.get(f"{other}/ping", auth=("x", vendor.key), trust_env=False, verify=False)
        assert (answer.status_code, answer.json()["title"]) == (401, "API Key Invalid")

    def test_one_host_serves_all_accounts(self, vendor: Vendor) -> None:
        anyone = vendor.api.replace("/us6/", "/api/")
        assert httpx.get(f"{anyone}/ping", auth=("x", vendor.key), trust_env=False, verify=False).status_code == 200

    def test_no_key_is_a_401_of_its_own(self, vendor: Vendor) -> None:
        answer = httpx.get(f"{vendor.api}/ping", trust_env=False, verify=False)
        assert (answer.status_code, answer.json()["title"]) == (401, "API Key Missing")

    def test_the_account_can_be_labelled_and_told_apart(self, vendor: Vendor) -> None:
        told = vendor.told("GET", "/")
        assert {"account_id", "account_name", "login_id", "email"} <= set(told)
