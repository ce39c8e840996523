"""The API itself: who is let in, what is refused and how, requests that come twice, and any request at all."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.broker import query
from tests.support.broker_world import eventually
from tests.support.console import PREFIX, Console


def no_fault_of_ours(_: object, answer: schemathesis.Response, case: schemathesis.Case) -> None:
    """A dependency that is away is a 503 with a problem; anything else above is a bug."""
    assert answer.status_code in range(500) or answer.status_code == 503, (case.method, case.path, answer.content)


CHECKS = [
    no_fault_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["title"].endswith(".") and told["action"].endswith(".") and told["request_id"]
    return dict(told)


class TestAccess:
    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer", "Bearer wrong", "Basic d3Jvbmc=", "Bearer é", "bearer wrong", "Bearer " + "x" * 8000],
    )
    def test_nobody_gets_in_without_the_token(self, console: Console, authorization: str) -> None:
        headers = {"authorization": authorization.encode("latin-1")} if authorization else {}
        answer = httpx.get(f"{console.url}{PREFIX}/connections", headers=headers, trust_env=False, verify=False)
        is_problem(answer, 401, "API_TOKEN_REFUSED")
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_no_route_forgets_to_ask(self, console: Console) -> None:
        document = httpx.get(f"{console.url}{PREFIX}/openapi.json", trust_env=False, verify=False).json()
        routes = [(method, path) for path, methods in document["paths"].items() for method in methods]
        assert len(routes) > 10
        for method, path in routes:
            answer = httpx.request(
                method, f"{console.url}{path.replace('{connection}', 'x')}", trust_env=False, verify=False
            )
            is_problem(answer, 401, "API_TOKEN_REFUSED")

    def test_a_service_key_is_no_token(self, console: Console) -> None:
        headers = {"authorization": f"Bearer {console.broker.key('console')}"}
        answer = httpx.get(f"{console.url}{PREFIX}/connections", headers=headers, trust_env=False, verify=False)
        is_problem(answer, 401, "API_TOKEN_REFUSED")

    def test_a_replaced_token_is_refused_at_once(self, own_console: Console) -> None:
        own_console.start()
        former = own_console.headers()
        fresh = own_console.token_path.with_suffix(".new")
        fresh.write_text("another token of the same length or so")
        fresh.replace(own_console.token_path)
        assert own_console.ask("GET", "/connections").status_code == 200
        answer = httpx.get(f"{own_console.url}{PREFIX}/connections", headers=former, trust_env=False, verify=False)
        is_problem(answer, 401, "API_TOKEN_REFUSED")
        own_console.token_path.unlink()
        answer = httpx.get(f"{own_console.url}{PREFIX}/connections", headers={"authorization": "Bearer x"})
        is_problem(answer, 401, "API_TOKEN_REFUSED")

    def test_the_document_is_for_everybody_and_the_token_in_no_log(self, console: Console) -> None:
        document = httpx.get(f"{console.url}{PREFIX}/openapi.json", trust_env=False, verify=False).json()
        assert "/api/v1/connections" in document["paths"]
        assert console.token_path.read_text() not in console.log.read_text()


class TestRefusals:
    @pytest.mark.parametrize("foreign", ["nothere", "x" * 64, "-", "mailchimp-aaaaaaaa"])
    @pytest.mark.parametrize(
        ("method", "rest"),
        [
            ("GET", ""),
            ("DELETE", ""),
            ("GET", "/quota"),
            ("GET", "/road"),
            ("POST", "/test"),
            ("POST", "/pause"),
            ("POST", "/resume"),
            ("POST", "/places"),
        ],
    )
    def test_a_foreign_id(self, console: Console, foreign: str, method: str, rest: str) -> None:
        is_problem(console.ask(method, f"/connections/{foreign}{rest}"), 404, "CONNECTION_UNKNOWN")

    @pytest.mark.parametrize("given", ["a%20b", "..%2f..%2fgrants", "%00", "x" * 65, "a'b"])
    def test_an_id_that_is_none(self, console: Console, given: str) -> None:
        answer = console.ask("GET", f"/connections/{given}")
        assert answer.status_code in (404, 422) and answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "name", ["", " ", "a\n", "\x1b[31mred", "a\u202eb", "x" * 101, "a\x00b", "\ud800", 5, None]
    )
    def test_a_name_that_is_none(self, console: Console, name: object) -> None:
        body = json.dumps({"vendor": "zoho-books", "name": name}).encode()
        answer = console.ask("POST", "/connections", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text

    def test_a_refusal_repeats_no_secret(self, console: Console) -> None:
        secret = f"canary-{uuid.uuid4().hex}"
        for body in (
            {"vendor": "mailchimp", "name": "x", "api_key": [secret]},
            {"vendor": "mailchimp", "name": "x", "api_key": secret, "more": secret},
            {"vendor": "mailchimp", "name": "x" * 200, "api_key": secret},
        ):
            answer = console.ask("POST", "/connections", json=body)
            assert answer.status_code == 422 and secret not in answer.text
        refused = console.ask("POST", "/connections", json={"vendor": "mailchimp", "name": "canary", "api_key": secret})
        assert refused.status_code == 422 and secret not in refused.text
        assert secret not in console.log.read_text() + console.broker.log.read_text()

    def test_a_body_too_large_is_not_read(self, console: Console) -> None:
        answer = console.ask("POST", "/connections", content=b"x" * 1_048_577)
        is_problem(answer, 413, "API_BODY_TOO_LARGE")

        def endless() -> Iterator[bytes]:
            for _ in range(64):
                yield b"x" * 65536

        try:
            answer = console.ask("POST", "/connections", content=endless())
            is_problem(answer, 413, "API_BODY_TOO_LARGE")
        except httpx.WriteError:
            pass  # the console closed before it was all sent

    def test_a_body_that_does_not_come(self, console: Console) -> None:
        with socket.create_connection(("127.0.0.1", console.port), timeout=20) as link:
            head = f"POST {PREFIX}/connections HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab"
            link.sendall(head.encode())
            began = time.monotonic()
            answer = link.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408") and time.monotonic() - began < 15

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null", b"[" * 5000, b'{"vendor": NaN}'])
    def test_a_body_that_is_none(self, console: Console, body: bytes) -> None:
        answer = console.ask("POST", "/connections", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("cursor", ["x", "bnVsbA", "W10", "WzEsMl0", "WyJhIl0", "WyJcdTAwMDAiLCJhIl0"])
    def test_a_cursor_that_no_list_gave(self, console: Console, cursor: str) -> None:
        is_problem(console.ask("GET", "/connections", params={"cursor": cursor}), 422, "CURSOR_INVALID")

    def test_an_address_or_a_method_that_is_none(self, console: Console) -> None:
        is_problem(console.ask("GET", "/nothing"), 404, "API_NOT_THERE")
        answer = console.ask("PUT", "/connections")
        is_problem(answer, 405, "API_NOT_THERE")
        assert "GET" in answer.headers["allow"]


class TestRequestsThatComeTwice:
    def test_the_same_key_gets_the_same_answer_and_one_connection(self, console: Console, called: str) -> None:
        key = {"idempotency-key": uuid.uuid4().hex}
        body = {"vendor": "mailchimp", "name": called, "api_key": console.world.account("mailchimp")["api_key"]}
        first, again = (console.ask("POST", "/connections", json=body, headers=key) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"

    def test_a_start_address_is_told_once(self, console: Console, called: str) -> None:
        key, body = {"idempotency-key": uuid.uuid4().hex}, {"vendor": "zoho-books", "name": called}
        first, again = (console.told("POST", "/connections", 201, json=body, headers=key) for _ in range(2))
        assert first["road"]["start_url"] and again["road"]["start_url"] is None
        assert first["connection"] == again["connection"]
        kept = query(
            console.world.database, "select body::text from core.idempotency where key = $1", key["idempotency-key"]
        )
        assert first["road"]["start_url"].rpartition("/")[2] not in str(kept)

    def test_the_same_key_with_another_wish_is_refused(self, console: Console, called: str) -> None:
        connection = console.add_mailchimp(called)["connection"]["id"]
        key = {"idempotency-key": uuid.uuid4().hex}
        console.told("POST", f"/connections/{connection}/pause", headers=key)
        is_problem(console.ask("POST", f"/connections/{connection}/resume", headers=key), 422, "IDEMPOTENCY_KEY_REUSED")

    def test_a_refused_request_may_be_made_anew(self, console: Console, called: str) -> None:
        key = {"idempotency-key": uuid.uuid4().hex}
        body = {"vendor": "mailchimp", "name": called, "api_key": "0" * 32 + "-us6"}
        for _ in range(2):
            is_problem(console.ask("POST", "/connections", json=body, headers=key), 422, "API_KEY_REFUSED")

    def test_many_at_once_make_one(self, console: Console, called: str) -> None:
        key = {"idempotency-key": uuid.uuid4().hex}
        body = {"vendor": "mailchimp", "name": called, "api_key": console.world.account("mailchimp")["api_key"]}

        def ask(_: int) -> httpx.Response:
            return console.ask("POST", "/connections", json=body, headers=key)

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(8)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes.count(201) >= 1 and set(codes) <= {201, 409}
        assert all(a.json()["code"] == "IDEMPOTENCY_IN_PROGRESS" for a in answers if a.status_code == 409)
        assert len(console.told("GET", "/connections", params={"name": called})["items"]) == 1

    def test_many_at_once_without_a_key_make_one(self, console: Console, called: str) -> None:
        def ask(_: int) -> httpx.Response:
            return console.ask("POST", "/connections", json={"vendor": "zoho-books", "name": called})

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(8)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["connection"]["id"] for answer in answers}) == 1


class TestAnyRequest:
    @pytest.mark.parametrize("known", [False, True], ids=["any id", "an id that is there"])
    def test_the_document_tells_the_truth(self, console: Console, called: str, known: bool) -> None:
        """Any request that the document allows; bounded, and the same each time."""
        schema = schemathesis.openapi.from_url(f"{console.url}{PREFIX}/openapi.json")
        headers, connection = console.headers(), console.add_mailchimp(called)["connection"]["id"]
        for operation in (found.ok() for found in schema.get_all_operations()):
            if known and (operation.method == "delete" or "{connection}" not in operation.path):
                continue

            @settings(
                max_examples=15,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def every(case: schemathesis.Case) -> None:
                if known:
                    case.path_parameters["connection"] = connection
                case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)

            every()


class TestUpkeep:
    def test_the_last_run_of_each_table_is_told(self, console: Console) -> None:
        def tidied() -> set[str]:
            items = console.told("GET", "/upkeep")["items"]
            return {one["table"] for one in items if one["ended_at"] and not one["message"]}

        eventually(lambda: tidied() >= {"core.notification", "core.idempotency"})
