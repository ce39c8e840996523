"""The table that every part prints, and what decides its exit code."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from bench.reports import report
from bench.rows import Goal, compared

GOALS = [Goal("cost", at_most=2.0, moonshot=0.7), Goal("pace", at_least=200.0), Goal("told")]


class TestGoal:
    def test_is_met_within_its_bounds(self) -> None:
        assert Goal("a", at_most=2).met({"a": 2.0}) and not Goal("a", at_most=2).met({"a": 2.1})
        assert Goal("a", at_least=2).met({"a": 2.0}) and not Goal("a", at_least=2).met({"a": 1.9})

    def test_is_missed_by_what_was_not_measured_where_it_has_a_bound(self) -> None:
        assert not Goal("a", at_most=2).met({}) and Goal("a").met({})


class TestTable:
    def test_has_a_line_for_each_goal_with_its_moonshot(self) -> None:
        lines = compared(GOALS, {"cost": 2.5, "pace": 210.0, "told": 1.0}, {}).splitlines()
        assert lines[0].split() == ["goal", "moonshot", "found"]
        assert lines[1].split() == ["cost", "<=", "2", "0.7", "2.50", "MISSED"]
        assert lines[2].split() == ["pace", ">=", "200", "210.00"]
        assert lines[3].split() == ["told", "1.00"]

    def test_shows_what_no_goal_names_behind_the_goals(self) -> None:
        assert compared(GOALS, {"more": 1.0, "told": 1.0}, {}).splitlines()[-1].split() == ["more", "1.00"]

    def test_shows_an_earlier_run_and_the_change(self) -> None:
        lines = compared(GOALS, {"cost": 1.5, "pace": 210.0}, {"cost": 2.0}).splitlines()
        assert lines[0].split()[-2:] == ["before", "change"]
        assert lines[1].split() == ["cost", "<=", "2", "0.7", "1.50", "2.00", "-25", "%"]

    def test_says_what_was_not_measured(self) -> None:
        assert compared(GOALS, {"pace": 210.0}, {}).splitlines()[1].split() == ["cost", "<=", "2", "0.7", "-", "MISSED"]


class TestReport:
    def test_writes_what_the_next_one_is_compared_with(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first = Namespace(json=tmp_path / "first.json", against=None)
        assert report(GOALS, {"cost": 1.0, "pace": 210.0}, first) == 0
        assert report(GOALS, {"cost": 3.0, "pace": 210.0}, Namespace(json=None, against=first.json)) == 1
        assert "+200 %" in capsys.readouterr().out
