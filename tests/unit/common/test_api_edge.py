"""The edge of our own APIs, for each that has one: a body has a size and a time, a refusal has a request id, a key is compared whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.types import ASGIApp, Message

from common.api import bearer, problems
from common.api.entrance import Entrance
from common.api.refusal import Refusal
from common.failures import Bug
from common.secret import Secret
from console.api.problems import WORDS as CONSOLE
from console.codes import CURSOR_INVALID
from token_broker.api.problems import WORDS as BROKER

CANARY = "canary-5b1d"


class Body(BaseModel):
    key: Secret
    number: int


def application(words: problems.Words, **limits: Any) -> ASGIApp:
    app = FastAPI()
    problems.install(app, words, RequestValidationError)

    @app.post("/echo")
    async def echo(body: Body) -> dict[str, int]:
        return {"number": body.number}

    @app.get("/refused")
    async def refused() -> None:
        raise Refusal(503, CURSOR_INVALID, "Not now.", 1.2, more={"of": 2})

    @app.get("/away")
    async def away() -> None:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed")

    @app.get("/broken")
    async def broken() -> None:
        raise Bug("X", "A sentence.", detail=CANARY)

    return Entrance(app, **limits)


async def asked(
    app: ASGIApp, method: str, path: str, receive: Callable[[], Any], **headers: str
) -> tuple[int, Any, Any]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await app(scope, receive, send)
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], given, orjson.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def pieces(*bodies: bytes) -> Callable[[], Any]:
    waiting = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("words", [CONSOLE, BROKER], ids=["console", "token-broker"])
class TestEdge:
    async def test_a_body_is_read_whole_before_anything_looks_at_it(self, words: problems.Words) -> None:
        receive = pieces(b'{"key": "k", ', b'"number": 7}')
        status, _, document = await asked(application(words), "POST", "/echo", receive, content_type="application/json")
        assert (status, document) == (200, {"number": 7})

    @pytest.mark.parametrize("announced", [{}, {"content_length": "101"}])
    async def test_a_body_too_large_is_not_read_on(self, words: problems.Words, announced: dict[str, str]) -> None:
        receive = pieces(*[b"x" * 60] * 50)
        app = application(words, most_bytes=100)
        status, headers, document = await asked(app, "POST", "/echo", receive, **announced)
        assert (status, document["code"], headers["connection"]) == (413, "API_BODY_TOO_LARGE", "close")
        assert document["request_id"] and (await receive())["more_body"], "the rest was left where it is"

    async def test_a_body_that_does_not_come_has_an_end(self, words: problems.Words) -> None:
        status, headers, document = await asked(application(words, body_within_s=0.05), "POST", "/echo", never)
        assert (status, document["code"], headers["connection"]) == (408, "API_BODY_LATE", "close")

    async def test_a_caller_who_is_gone_gets_no_answer(self, words: problems.Words) -> None:
        async def gone() -> Message:
            return {"type": "http.disconnect"}

        with pytest.raises(IndexError):
            await asked(application(words), "POST", "/echo", gone)

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [("/refused", 503, "CURSOR_INVALID"), ("/away", 503, ""), ("/broken", 500, ""), ("/nowhere", 404, "")],
    )
    async def test_every_refusal_looks_the_same(self, words: problems.Words, path: str, status: int, code: str) -> None:
        own = {"/away": words.away, "/broken": words.fault, "/nowhere": words.not_there}
        found, headers, document = await asked(application(words), "GET", path, pieces())
        assert (found, document["code"]) == (status, code or own[path].name)
        assert {"type", "title", "status", "code", "detail", "action", "request_id"} <= set(document)
        assert len(document["request_id"]) == 32 and headers["cache-control"] == "no-store"
        assert headers["content-type"] == "application/problem+json"
        assert CANARY not in str(document)

    async def test_says_when_to_ask_again_and_what_else_there_is(self, words: problems.Words) -> None:
        _, headers, document = await asked(application(words), "GET", "/refused", pieces())
        assert headers["retry-after"] == "2" and document["of"] == 2 and document["detail"] == "Not now."

    async def test_never_repeats_what_was_sent(self, words: problems.Words) -> None:
        for body in (f'{{"key": ["{CANARY}"], "number": 1}}', f'{{"key": "{CANARY}", "number": "{CANARY}"}}', CANARY):
            status, _, document = await asked(
                application(words), "POST", "/echo", pieces(body.encode()), content_type="application/json"
            )
            assert (status, document["code"]) == (422, words.invalid.name)
            assert CANARY not in str(document)


class TestBearer:
    @pytest.mark.parametrize(
        ("header", "key"),
        [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("abc", ""), ("", ""), ("Bearer", "")],
    )
    def test_a_key_stands_behind_its_scheme(self, header: str, key: str) -> None:
        assert bearer.key_of(header) == key

    def test_only_the_whole_key_is_the_same(self) -> None:
        assert bearer.same(bearer.encoded("abc"), b"abc")
        assert not bearer.same(bearer.encoded("ab"), b"abc")
        assert not bearer.same(bearer.encoded("\udcff"), b"abc")

    def test_a_stamp_changes_when_the_file_does(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        assert bearer.stamp(path) is None
        path.write_text("a")
        first = bearer.stamp(path)
        assert bearer.stamp(path) == first
        path.with_suffix(".new").write_text("b")
        path.with_suffix(".new").replace(path)
        assert bearer.stamp(path) not in (None, first)
