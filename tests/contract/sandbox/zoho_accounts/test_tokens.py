"""Exchange, refresh, revoke and client credentials, with the budgets and bodies of the sheet."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.sandbox.zoho_accounts.flow import CLIENTS, SCOPE, Browser
from tests.support.sandbox import SandboxProcess

ACCESS_DENIED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}


@pytest.fixture
def browser(sandbox: SandboxProcess) -> Browser:
    return Browser(sandbox.base_url)


def organizations(sandbox: SandboxProcess, dc: str, token: object) -> int:
    """Whether Books takes the token, as its status."""
    address = f"{sandbox.base_url}/zoho/{dc}/api/books/v3/organizations"
    with httpx.Client(trust_env=False, verify=False) as client:
        return client.get(address, headers={"authorization": f"Zoho-oauthtoken {token}"}).status_code


class TestExchange:
    def test_a_code_is_good_for_one_exchange(self, browser: Browser) -> None:
        code = browser.consent("eu")["code"]
        assert "access_token" in browser.exchange("eu", code).json()
        again = browser.exchange("eu", code)
        assert (again.status_code, again.json()) == (200, {"error": "invalid_code"})

    def test_a_code_lives_sixty_seconds(self, sandbox: SandboxProcess, browser: Browser) -> None:
        young, old = browser.consent("eu")["code"], browser.consent("eu")["code"]
        sandbox.post("clock", {"advance_s": 58})
        assert "access_token" in browser.exchange("eu", young).json()
        sandbox.post("clock", {"advance_s": 3})
        assert browser.exchange("eu", old).json() == {"error": "invalid_code"}

    def test_a_code_of_another_data_centre_is_no_code(self, browser: Browser) -> None:
        code = browser.consent("eu")["code"]
        assert browser.exchange("in", code).json() == {"error": "invalid_code"}

    def test_the_secret_is_the_one_of_the_data_centre(self, browser: Browser) -> None:
        code = browser.consent("eu")["code"]
        wrong = browser.exchange("eu", code, client_secret=browser.client.secrets["us"])
        assert wrong.json() == {"error": "invalid_client_secret"}

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"client_id": "1000.NOBODY"}, "invalid_client"),
            ({"client_secret": "wröng"}, "invalid_client_secret"),
            ({"redirect_uri": "http://127.0.0.1:1/other"}, "invalid_redirect_uri"),
            ({"code": "1000.x.y"}, "invalid_code"),
        ],
    )
    def test_errors_have_the_bodies_of_the_sheet(self, browser: Browser, changed: dict[str, str], error: str) -> None:
        answer = browser.exchange("eu", browser.consent("eu")["code"], **changed)
        assert (answer.status_code, answer.json()) == (200, {"error": error})

    def test_errors_are_http_400_when_switched(self, sandbox: SandboxProcess, browser: Browser) -> None:
        sandbox.post("limits", {"vendor": "zoho-accounts", "error_status": 400})
        assert browser.exchange("eu", "1000.x.y").status_code == 400

    def test_parameters_may_stand_in_the_query(self, browser: Browser) -> None:
        asked = {
            "grant_type": "refresh_token",
            "refresh_token": str(browser.connected("eu")["refresh_token"]),
            "client_id": browser.client.id,
            "client_secret": browser.client.secrets["eu"],
        }
        assert "access_token" in browser.http.post(f"{browser.accounts('eu')}/oauth/v2/token", params=asked).json()

    def test_a_client_that_is_not_multi_dc_is_unknown_elsewhere(self, sandbox: SandboxProcess) -> None:
        single = Browser(sandbox.base_url, CLIENTS["single"])
        assert single.exchange("eu", "1000.x.y").json() == {"error": "invalid_client"}

    def test_secrets_do_not_reach_the_log(self, sandbox: SandboxProcess, browser: Browser) -> None:
        browser.connected("eu")
        calls = str(sandbox.get("log", since=0))
        assert browser.client.secrets["eu"] not in calls


class TestRefresh:
    def test_gives_an_access_token_and_no_new_refresh_token(self, browser: Browser) -> None:
        first = browser.connected("eu")
        told = browser.refresh("eu", str(first["refresh_token"])).json()
        assert "refresh_token" not in told
        assert told["access_token"] != first["access_token"]

    def test_the_eleventh_in_ten_minutes_is_denied_until_the_window_has_passed(
        self, sandbox: SandboxProcess, browser: Browser
    ) -> None:
        refresh_token = str(browser.connected("au")["refresh_token"])
        answers = [browser.refresh("au", refresh_token) for _ in range(12)]
        assert ["access_token" in answer.json() for answer in answers] == [True] * 10 + [False] * 2
        assert (answers[-1].status_code, answers[-1].json()) == (400, ACCESS_DENIED)
        sandbox.post("clock", {"advance_s": 600})
        assert "access_token" in browser.refresh("au", refresh_token).json()

    def test_another_refresh_token_has_its_own_budget(self, browser: Browser) -> None:
        first, second = (str(browser.connected("jp")["refresh_token"]) for _ in range(2))
        for _ in range(11):
            browser.refresh("jp", first)
        assert "access_token" in browser.refresh("jp", second).json()

    def test_retrying_prolongs_the_lock_out_when_switched(self, sandbox: SandboxProcess, browser: Browser) -> None:
        sandbox.post("limits", {"vendor": "zoho-accounts", "prolongs": True})
        refresh_token = str(browser.connected("ca")["refresh_token"])
        for _ in range(10):
            browser.refresh("ca", refresh_token)
        sandbox.post("clock", {"advance_s": 300})
        for _ in range(10):
            browser.refresh("ca", refresh_token)
        sandbox.post("clock", {"advance_s": 310})
        assert browser.refresh("ca", refresh_token).json() == ACCESS_DENIED

    def test_in_the_wrong_data_centre_is_an_invalid_code(self, browser: Browser) -> None:
        refresh_token = str(browser.connected("eu")["refresh_token"])
        assert browser.refresh("us", refresh_token).json() == {"error": "invalid_code"}

    def test_the_twenty_first_refresh_token_silently_kills_the_first(
        self, sandbox: SandboxProcess, browser: Browser
    ) -> None:
        sandbox.post("limits", {"vendor": "zoho-accounts", "codes": 100})
        held = [browser.connected("cn", "colleague") for _ in range(21)]
        first, second = held[0], held[1]
        assert browser.refresh("cn", str(first["refresh_token"])).json() == {"error": "invalid_code"}
        assert organizations(sandbox, "cn", first["access_token"]) == 401
        assert "access_token" in browser.refresh("cn", str(second["refresh_token"])).json()
        assert organizations(sandbox, "cn", second["access_token"]) == 200


class TestAccessTokens:
    def test_the_sixteenth_kills_the_oldest(self, sandbox: SandboxProcess, browser: Browser) -> None:
        sandbox.post("limits", {"vendor": "zoho-accounts", "refreshes": 100})
        first = browser.connected("in")
        tokens = [first["access_token"]]
        for _ in range(14):
            tokens.append(browser.refresh("in", str(first["refresh_token"])).json()["access_token"])
        assert {organizations(sandbox, "in", token) for token in tokens} == {200}
        browser.refresh("in", str(first["refresh_token"]))
        assert [organizations(sandbox, "in", token) for token in tokens[:2]] == [401, 200]

    def test_live_an_hour(self, sandbox: SandboxProcess, browser: Browser) -> None:
        token = browser.connected("eu")["access_token"]
        sandbox.post("clock", {"advance_s": 3590})
        assert organizations(sandbox, "eu", token) == 200
        sandbox.post("clock", {"advance_s": 20})
        assert organizations(sandbox, "eu", token) == 401

    def test_are_good_in_their_own_data_centre_only(self, sandbox: SandboxProcess, browser: Browser) -> None:
        token = browser.connected("eu")["access_token"]
        assert [organizations(sandbox, dc, token) for dc in ("eu", "us")] == [200, 401]


class TestRevoke:
    def test_ends_the_refresh_token_and_its_access_tokens(self, sandbox: SandboxProcess, browser: Browser) -> None:
        told = browser.connected("eu")
        address = f"{browser.accounts('eu')}/oauth/v2/token/revoke"
        answer = browser.http.post(address, params={"token": str(told["refresh_token"])})
        assert (answer.status_code, answer.json()) == (200, {"status": "success"})
        assert browser.refresh("eu", str(told["refresh_token"])).json() == {"error": "invalid_code"}
        assert organizations(sandbox, "eu", told["access_token"]) == 401

    def test_of_an_unknown_token_is_an_invalid_code(self, browser: Browser) -> None:
        answer = browser.http.post(f"{browser.accounts('eu')}/oauth/v2/token/revoke", params={"token": "1000.x.y"})
        assert answer.json() == {"error": "invalid_code"}


class TestClientCredentials:
    @pytest.fixture
    def soid(self, sandbox: SandboxProcess) -> str:
        accounts = sandbox.get("accounts")["accounts"]
        assert isinstance(accounts, list)
        return next(f"ZohoBooks.{row['organization_id']}" for row in accounts if row["vendor"] == "zoho-books")

    def ask(self, sandbox: SandboxProcess, soid: str, client: str = "self") -> dict[str, object]:
        asker = Browser(sandbox.base_url, CLIENTS[client])
        return dict(asker.token("eu", grant_type="client_credentials", scope=SCOPE, soid=soid).json())

    def test_give_a_self_client_an_access_token_and_nothing_else(self, sandbox: SandboxProcess, soid: str) -> None:
        told = self.ask(sandbox, soid)
        assert "refresh_token" not in told
        assert organizations(sandbox, "eu", told["access_token"]) == 200

    def test_count_in_the_budget_of_ten_in_ten_minutes(self, sandbox: SandboxProcess, soid: str) -> None:
        told = [self.ask(sandbox, soid) for _ in range(11)]
        assert ["access_token" in one for one in told] == [True] * 10 + [False]
        assert told[-1] == ACCESS_DENIED

    def test_are_not_for_server_clients_nor_unknown_organisations(self, sandbox: SandboxProcess, soid: str) -> None:
        assert self.ask(sandbox, soid, "demo") == {"error": "invalid_client"}
        assert self.ask(sandbox, "ZohoBooks.1") == {"error": "invalid_client"}


class TestRestart:
    def test_a_connection_survives_a_stop_and_a_kill(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        process = SandboxProcess(tmp_path_factory.mktemp("restart"), snapshot_seconds=0.1).start()
        try:
            told = Browser(process.base_url).connected("eu")
            process.stop()
            browser = Browser(process.start().base_url)
            assert "access_token" in browser.refresh("eu", str(told["refresh_token"])).json()
            process.post("clock", {"advance_s": 77})
            process.stop()
            process.start()
            assert process.get("clock")["offset_s"] == 77
            process.kill()
            browser = Browser(process.start().base_url)
            assert "access_token" in browser.refresh("eu", str(told["refresh_token"])).json()
        finally:
            process.stop()
