"""`millrace review`: pages that are followed, and one answer for all that were counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from millrace.api_client import ApiClient, ConsoleAddress
from millrace.app import main
from millrace.commands import review

ALL = ["review", "decide", "--kind", "unmatched", "--sync", "people", "--all", "new"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the console was asked; it has five questions, and decides three a step."""
    found, left = list[dict[str, Any]](), [5]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            found.append(dict(request.url.params))
            at, count = int(request.url.params.get("cursor", 0)), int(request.url.params["limit"])
            items = [{"id": one} for one in range(at, min(at + count, 1500))]
            return httpx.Response(
                200, json={"items": items, "next_cursor": str(at + count) if at + count < 1500 else None}
            )
        body = json.loads(request.content)
        found.append(body)
        decided = 0 if body.get("dry_run") else min(3, left[0])
        left[0] -= decided
        told = {"dry_run": bool(body.get("dry_run")), "decided": decided, "left": left[0], "until": 17}
        return httpx.Response(200, json=told)

    @contextmanager
    def opened(_: str | None) -> Iterator[ApiClient]:
        yield ApiClient(ConsoleAddress("http://console", "t"), transport=httpx.MockTransport(answer))

    monkeypatch.setattr(review, "open_client", opened)
    return found


class TestList:
    def test_follows_pages_as_far_as_it_was_asked_for(
        self, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["review", "list", "--limit", "1200", "--since", "2026-01-31", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["items"]) == 1200
        assert [one["limit"] for one in asked] == ["1000", "200"]
        assert {one["since"] for one in asked} == {"2026-01-31T00:00:00+00:00"}


class TestDecideAll:
    def test_decides_what_was_counted_step_by_step(
        self, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*ALL, "--yes", "--reason", "none is there"]) == 0
        assert "5 questions" in capsys.readouterr().out
        wish = {"kind": "unmatched", "sync": "people", "answer": "new", "reason": "none is there"}
        assert asked == [wish | {"dry_run": True}, wish | {"until": 17}, wish | {"until": 17}]

    def test_is_confirmed_first(self, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(ALL) != 0, "nobody is at a terminal"
        assert main([*ALL, "--dry-run"]) == 0
        assert [one["dry_run"] for one in asked] == [True, True]
        assert "--yes" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "words", [["12"], [], ["12", "new", "--kind", "match"], ["--all", "new"], ["12", "--all", "new"]]
    )
    def test_says_what_is_missing(self, asked: list[dict[str, Any]], words: list[str]) -> None:
        assert main(["review", "decide", *words]) != 0
        assert asked == []
