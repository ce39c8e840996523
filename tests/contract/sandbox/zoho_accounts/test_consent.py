"""The consent page, passed by httpx in all eight data centres."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_accounts.flow import CLIENTS, REDIRECT, Browser, zuid
from tests.support.sandbox import SandboxProcess

DATA_CENTRES = ("us", "eu", "in", "au", "jp", "ca", "cn", "sa")


@pytest.fixture
def browser(sandbox: SandboxProcess) -> Browser:
    return Browser(sandbox.base_url)


class TestApprove:
    @pytest.mark.parametrize("dc", DATA_CENTRES)
    def test_gives_a_code_and_says_where_the_user_lives(self, browser: Browser, dc: str) -> None:
        told = browser.consent(dc)
        assert told["state"] == "S & co"
        assert (told["location"], told["accounts-server"]) == (dc, browser.accounts(dc))
        answer = browser.exchange(dc, told["code"])
        assert answer.status_code == 200
        token = answer.json()
        assert token["api_domain"] == f"{browser.base_url}/zoho/{dc}/api"
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
        assert token["access_token"].startswith("1000.") and token["refresh_token"].startswith("1000.")

    def test_begun_in_the_us_ends_in_the_users_data_centre(self, browser: Browser) -> None:
        told = browser.decide(browser.page("us"), zuid("jp"))
        assert (told["location"], told["accounts-server"]) == ("jp", browser.accounts("jp"))
        assert browser.exchange("us", told["code"]).json() == {"error": "invalid_code"}
        assert "access_token" in browser.exchange("jp", told["code"]).json()

    def test_china_is_reached_from_china_alone(self, browser: Browser) -> None:
        assert zuid("cn") not in browser.page("us").text
        assert zuid("cn") in browser.page("cn").text
        assert zuid("us") not in browser.page("eu").text

    def test_a_client_without_multi_dc_is_told_no_location(self, sandbox: SandboxProcess) -> None:
        single = Browser(sandbox.base_url, CLIENTS["single"])
        assert set(single.consent("us")) == {"code", "state"}
        assert single.page("eu").status_code == 400

    def test_addresses_follow_the_host_header(self, browser: Browser) -> None:
        host = {"host": "proxy.test:81"}
        address = f"{browser.accounts('eu')}/oauth/serverinfo"
        locations = browser.http.get(address, headers=host).json()["locations"]
        assert locations["ca"] == "http://proxy.test:81/zoho/ca/accounts"
        assert set(locations) == set(DATA_CENTRES)


class TestDeny:
    def test_comes_back_with_access_denied_and_nothing_else(self, browser: Browser) -> None:
        told = browser.decide(browser.page("eu"), zuid("eu"), "deny")
        assert told == {"error": "access_denied", "state": "S & co"}


class TestAccessType:
    def test_online_gives_no_refresh_token(self, browser: Browser) -> None:
        for access_type in ("online", ""):
            code = browser.consent("eu", access_type=access_type)["code"]
            assert "refresh_token" not in browser.exchange("eu", code).json()

    def test_offline_gives_it_once_unless_consent_is_prompted_again(self, sandbox: SandboxProcess) -> None:
        made = sandbox.post("clients", {"name": f"once-{sandbox.get('clock')['now']}", "redirect_uris": [REDIRECT]})
        client = CLIENTS["demo"].__class__(str(made["id"]), str(made["name"]), secrets=dict(made["secrets"]))  # type: ignore[call-overload]
        fresh = Browser(sandbox.base_url, client)
        given = [
            "refresh_token" in fresh.exchange("in", fresh.consent("in", prompt=prompt)["code"]).json()
            for prompt in ("", "", "consent")
        ]
        assert given == [True, False, True]


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"client_id": "1000.NOBODY"}, "Invalid Client ID"),
            ({"redirect_uri": "https://evil.example/callback"}, "Invalid Redirect Uri"),
            ({"redirect_uri": "http://[::1/x"}, "Invalid Redirect Uri"),
            ({"redirect_uri": ""}, "Invalid Redirect Uri"),
            ({"response_type": "token"}, "Invalid Response Type"),
            ({"scope": ""}, "Invalid OAuth Scope"),
            ({"scope": "everything"}, "Invalid OAuth Scope"),
        ],
    )
    def test_is_said_on_a_page_and_nobody_is_redirected(
        self, browser: Browser, changed: dict[str, str], said: str
    ) -> None:
        answer = browser.page("eu", **changed)
        assert answer.status_code == 400
        assert said in answer.text

    def test_what_the_caller_sent_is_shown_as_text(self, browser: Browser) -> None:
        assert "<script>" not in browser.page("eu", client_id="<script>x</script>").text
        assert "<script>" not in browser.page("eu", state='"><script>x</script>').text

    def test_a_stranger_cannot_be_approved_for(self, browser: Browser) -> None:
        page = browser.page("eu")
        with pytest.raises(AssertionError):
            browser.decide(page, zuid("us"))

    def test_a_registered_redirect_address_must_be_equal(self, sandbox: SandboxProcess) -> None:
        made = sandbox.post("clients", {"name": f"exact-{sandbox.get('clock')['now']}", "redirect_uris": [REDIRECT]})
        exact = Browser(sandbox.base_url)
        assert exact.page("eu", client_id=str(made["id"])).status_code == 200
        assert exact.page("eu", client_id=str(made["id"]), redirect_uri=f"{REDIRECT}/").status_code == 400


class TestCodeBudget:
    def test_the_eleventh_code_in_ten_minutes_is_denied(self, sandbox: SandboxProcess, browser: Browser) -> None:
        told = [browser.consent("sa", access_type="online") for _ in range(11)]
        assert ["code" in one for one in told] == [True] * 10 + [False]
        assert told[-1]["error"] == "access_denied"
        sandbox.post("clock", {"advance_s": 600})
        assert "code" in browser.consent("sa")
