"""Acting on many dead letters: the command follows the console's steps to their end and says how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from millrace.api_client import ApiClient
from millrace.commands.dead_letter import _all_steps, _words
from millrace.errors import CommandError


class Console:
    """Answers step after step; refuses after the last one it was given."""

    def __init__(self, *steps: dict[str, Any]) -> None:
        self._steps = list(steps)
        self.cursors: list[object] = []

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        self.cursors.append(body["cursor"])
        if not self._steps:
            raise CommandError("Kafka is away.")
        return self._steps.pop(0)


def step(*outcomes: str, cursor: str | None) -> dict[str, Any]:
    done = sum(1 for one in outcomes if one != "not_open")
    told = [{"id": str(number), "outcome": one} for number, one in enumerate(outcomes)]
    return {"records": done, "messages": 0, "work": done, "superseded": 0, "outcomes": told, "next_cursor": cursor}


class TestSteps:
    def test_all_of_them_with_an_outcome_for_each(self, capsys: pytest.CaptureFixture[str]) -> None:
        console = Console(
            step("retried", "retried", cursor="a"),
            step("retried", "not_open", cursor="b"),
            step("retried", cursor=None),
        )
        done = _all_steps(cast(ApiClient, console), "/dead-letters/retry", "retry", {"code": "MC_INVALID"})
        assert (console.cursors, done["records"], len(done["outcomes"])) == (["", "a", "b"], 4, 5)
        assert "retry: 2 so far ..." in capsys.readouterr().err
        assert _words("retry", done) == (
            "4 records tried again: 0 messages, 4 writes, about 4 calls. 1 were not open any more."
        )

    def test_what_breaks_off_says_what_is_done(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(CommandError, match="Kafka is away"):
            _all_steps(cast(ApiClient, Console(step("retried", cursor="a"))), "/p", "retry", {})
        assert "1 are done and stay done" in capsys.readouterr().err
