"""Reconciliations as the command line tells them."""

from __future__ import annotations

from typing import Any

from millrace.reconciliation_words import reconciliation_lines, result_of, waiting_line

DONE: dict[str, Any] = {
    "leg": "customer", "state": "resting", "began_at": "2026-05-04T03:00:00+00:00", "began_by": "schedule", "ended_at": "2026-05-04T03:01:00+00:00",
    "next_at": "2026-05-05T03:00:00+00:00", "words": "", "records": 3800, "moved": 2, "drifted": 37, "fields": {"merge.FNAME": 37, "merge.LNAME": 1},
    "missing": 0, "superfluous": 0, "cap": 38, "calls": 4, "repaired": 37, "left_alone": 0, "failed": 0, "waiting": 0,
}  # fmt: skip


class TestAResult:
    def test_says_what_differed_and_what_became_of_it(self) -> None:
        line = result_of("books", DONE)
        assert line.startswith("3800 compared, 37 drifted, 2 changed meanwhile, 37 repaired; ")
        assert list(reconciliation_lines("books", [DONE]))[1:] == ["  merge.FNAME: 37", "  merge.LNAME: 1"]

    def test_a_question_names_the_command_that_answers(self) -> None:
        line = result_of("books", DONE | {"state": "asked", "repaired": 0, "cap": 20})
        assert "nothing was repaired, it is more than 20 (millrace sync reconcile books --repair)" in line

    def test_before_the_first_one_says_when_it_comes(self) -> None:
        assert result_of("books", DONE | {"ended_at": None}).startswith("not compared yet; the first time ")


class TestWaiting:
    def test_says_for_what(self) -> None:
        assert waiting_line([DONE]) == ""
        assert waiting_line([DONE | {"state": "listing", "words": "busy"}]) == "customer is comparing: busy"
        assert waiting_line([DONE | {"waiting": 3}]) == "customer is written"
