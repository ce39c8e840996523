"""What the connection commands are made of: the client of the API, the wait for a browser, the demo's person, the lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from millrace.api_client import ApiClient, ConsoleAddress, RefusedByConsole, open_client
from millrace.app import main
from millrace.connection_words import details_of, line_of, quota_lines
from millrace.demo import ConsentForm
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.stack.services import SANDBOX, SERVICES, declared
from millrace.waiting import Waiting

Answers = Callable[[httpx.Request], httpx.Response]
VERBS = (
    "add",
    "reconnect",
    "choose",
    "list",
    "show",
    "test",
    "pause",
    "resume",
    "rename",
    "delete",
    "quota",
    "vendors",
)


def client(answer: Answers) -> ApiClient:
    return ApiClient(ConsoleAddress("http://console", "t"), transport=httpx.MockTransport(answer))


def road(state: str, **more: Any) -> dict[str, Any]:
    told = {"state": state, "over": state in ("connected", "denied"), "code": "", "message": state, "next": ""}
    return told | {"start_url": None, "expires_at": None, "places": []} | more


class TestHelp:
    @pytest.mark.parametrize("verb", VERBS)
    def test_every_command_has_two_examples(self, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["connection", verb, "--help"]) == 0
        assert capsys.readouterr().out.count("millrace connection") >= 2


class TestClient:
    def test_a_lost_answer_is_asked_for_again_with_the_same_key(self) -> None:
        keys: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            keys.append(request.headers["idempotency-key"])
            if len(keys) < 3:
                raise httpx.ReadError("lost")
            return httpx.Response(200, json={"ok": True})

        assert client(answer).post("/connections/c/pause") == {"ok": True}
        assert len(keys) == 3 and len(set(keys)) == 1

    def test_two_wishes_have_two_keys(self) -> None:
        keys: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            keys.append(request.headers["idempotency-key"])
            return httpx.Response(200, json={})

        for _ in range(2):
            client(answer).post("/x")
        assert len(set(keys)) == 2

    def test_a_console_that_is_away_is_seven(self) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused")

        with pytest.raises(CommandError) as away:
            client(answer).get("/connections")
        assert away.value.code is ExitCode.UNREACHABLE and "millrace up" in away.value.remedy

    @pytest.mark.parametrize(
        ("status", "code"),
        [(401, 4), (404, 3), (409, 5), (412, 5), (422, 2), (500, 1), (503, 7), (429, 1)],
    )
    def test_a_refusal_is_its_exit_code_with_the_next_step(self, status: int, code: int) -> None:
        problem = {"code": "SOME_CODE", "detail": "What it was.", "action": "Do this.", "request_id": "r1"}
        with pytest.raises(RefusedByConsole) as refused:
            client(lambda _: httpx.Response(status, json=problem)).get("/x")
        assert (int(refused.value.code), refused.value.name) == (code, "SOME_CODE")
        assert refused.value.message == "What it was. [SOME_CODE]" and refused.value.remedy.startswith("Do this.")
        assert ("r1" in refused.value.remedy) == (status >= 500)

    def test_an_answer_that_is_no_console_still_ends_in_words(self) -> None:
        with pytest.raises(RefusedByConsole, match="answered 502"):
            client(lambda _: httpx.Response(502, text="<html>")).get("/x")

    def test_lists_are_read_to_their_end(self) -> None:
        pages = {"": ([1, 2], "n"), "n": ([3], None)}

        def answer(request: httpx.Request) -> httpx.Response:
            items, following = pages[request.url.params.get("cursor", "")]
            return httpx.Response(200, json={"items": items, "next_cursor": following})

        assert list(client(answer).items("/connections")) == [1, 2, 3]


class TestContext:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (None, "cannot be read"),
            ("[contexts", "is not TOML"),
            ("[contexts.other]\nurl = 'http://x'", "it has: other"),
            ("[contexts.here]\nurl = 'http://x'", "with url and token_file"),
        ],
    )
    def test_one_that_is_none_says_why(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, words: str
    ) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        (tmp_path / "millrace").mkdir()
        if text is not None:
            (tmp_path / "millrace" / "config.toml").write_text(text)
        with pytest.raises(CommandError, match="There is no context here") as refused:
            open_client("here")
        assert words in refused.value.message and refused.value.code is ExitCode.USAGE

    def test_no_stack_is_said_in_words(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MILLRACE_HOME", str(tmp_path))
        with pytest.raises(CommandError, match="No console runs in"):
            open_client()


class TestWaiting:
    def test_ends_with_the_road(self, capsys: pytest.CaptureFixture[str]) -> None:
        left = [road("opened"), road("connected", message="books is connected.")]
        asked = client(lambda _: httpx.Response(200, json=left.pop(0)))
        first = road("waiting", start_url="http://broker/connect/x")
        ended = Waiting(60).until_over(asked, "/connections/c", "books", first, choose=lambda _: "")
        shown = capsys.readouterr()
        assert ended["state"] == "connected" and shown.out == ""
        assert "http://broker/connect/x" in shown.err and shown.err.count("Waiting for") == 2

    def test_a_choice_is_made_once(self) -> None:
        sent: list[bytes] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request.content)
            return httpx.Response(200, json=road("connected"))

        begun = road("choose", places=[{"id": "6", "title": "Acme"}])
        Waiting(60, place="").until_over(client(answer), "/c", "books", begun, choose=lambda places: places[0]["id"])
        assert sent == [b'{"place":"6"}']

    def test_places_that_could_not_be_read_are_asked_for_again(self) -> None:
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            return httpx.Response(200, json=road("connected"))

        begun = road("granted", code="PLACES_UNREADABLE")
        Waiting(60).until_over(client(answer), "/connections/c", "books", begun, choose=lambda _: "")
        assert asked == ["/api/v1/connections/c/places"]


class TestConsentForm:
    PAGE = """<form method="post" action="/zoho/eu/accounts/decide?a=1&amp;b=2">
        <input type="hidden" name="state" value="S &amp; co">
        <label><input type="radio" name="user" value="1" checked> Ana, ana@eu.example</label>
        <label><input type="radio" name="user" value="2"> Demo, demo@eu.example</label>
        <button name="decision" value="approve">Accept</button></form>"""

    def test_is_filled_in_by_the_person_named(self) -> None:
        form = ConsentForm.read(self.PAGE)
        assert form.action == "/zoho/eu/accounts/decide?a=1&b=2"
        assert form.accepted_by("demo@eu.example") == {"state": "S & co", "user": "2", "decision": "approve"}

    def test_a_company_is_chosen_like_a_person(self) -> None:
        page = self.PAGE.replace('name="user"', 'name="company"').replace(
            "Demo, demo@eu.example", "Alder &amp; Finch (demo)"
        )
        assert ConsentForm.read(page).accepted_by("Alder & Finch (demo)")["company"] == "2"

    def test_somebody_who_is_not_listed_leaves_the_choice_to_the_vendor(self) -> None:
        assert "user" not in ConsentForm.read(self.PAGE).accepted_by("nobody@eu.example")


class TestWords:
    CONNECTION: dict[str, Any] = {  # noqa: RUF012
        "id": "zoho-books-x", "vendor": "zoho-books", "title": "Zoho Books", "name": "my books", "state": "active",
        "standing": "needs_reauth", "details": {"dc": "eu"}, "capabilities": [], "grant": None, "trouble": "It was revoked.",
        "gates": [{"reason": "needs_reauth", "until": None, "code": "X", "message": "It was revoked.", "set_at": "2026-11-20T00:00:00Z"}],
        "tested_at": None, "created_at": "2026-11-20T00:00:00Z", "created_by": "", "updated_at": "2026-11-20T00:00:00Z",
    }  # fmt: skip

    def test_what_to_do_stands_beside_what_is_wrong(self) -> None:
        lines = details_of(self.CONNECTION)
        assert "state             Reconnect: It was revoked. (millrace connection reconnect 'my books')" in lines
        assert "Reconnect" in line_of(self.CONNECTION, 10)

    def test_a_quota_that_is_not_known_is_no_number(self) -> None:
        limit = {
            "name": "minute", "shape": "rolling", "count": 100, "reserved": 10, "ours": 90, "window_s": 60.0, "used": None,
            "in_flight": None, "waiting": None, "resets_at": None, "paused_until": None, "exhausted": False,
        }  # fmt: skip
        lines = quota_lines({"scope": "x", "metered": False, "limits": [limit]})
        assert lines[0].startswith("quota minute      ? of 90 used in 60 s") and "Redis is away" in lines[1]

    def test_points_are_told_with_what_comes_back(self) -> None:
        limit = {
            "name": "points", "shape": "points", "count": 4_000, "reserved": 400, "ours": 3_600, "window_s": 20.0, "used": 612,
            "in_flight": 2, "waiting": 0, "resets_at": None, "paused_until": None, "exhausted": False,
        }  # fmt: skip
        (line,) = quota_lines({"scope": "x", "metered": True, "limits": [limit]})
        assert "612 of 3600 points used, 200 come back a second, 400 of 4000 reserved for others, 2 under way" in line


class TestServices:
    def test_without_the_demo_nobody_hears_of_the_sandbox(self) -> None:
        chosen = declared(demo=False)
        assert SANDBOX not in {service.name for service in chosen}
        assert not [value for one in chosen for value in one.environment.values() if "sandbox" in value]

    def test_with_the_demo_everybody_goes_to_the_sandbox(self) -> None:
        chosen = {service.name: service for service in declared(demo=True)}
        for name in ("token-broker", "console", "ingest", "mapper", "writer-mailchimp", "writer-zoho"):
            assert chosen[name].environment["MILLRACE_ZOHO_BASE_URL"].endswith("{port:sandbox}/zoho"), name

    def test_every_module_is_there(self) -> None:
        import importlib.util

        assert [s.module for s in SERVICES if importlib.util.find_spec(s.module) is None] == []
