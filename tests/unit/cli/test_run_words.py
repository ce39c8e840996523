"""Runs as the command line tells them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from millrace.run_words import csv_text, details_of, history_lines, took

RUN: dict[str, Any] = {
    "id": "books.live.2026-05-04", "run": "live.2026-05-04", "sync": "books", "kind": "live", "state": "Completed with errors", "by": "webhook",
    "mapping_version": None, "started_at": "2026-05-04T12:00:00+00:00", "finished_at": "2026-05-04T12:01:05+00:00", "seconds": 65.0,
    "total": 9, "added": 5, "updated": 0, "removed": 3, "unchanged": 0, "skipped": 0, "failed": 1, "superseded": 0, "waiting": 0,
    "unaccounted": 0, "closes": True, "skipped_by_reason": {}, "failed_by_code": {"MC_INVALID": 1}, "before_ledger": False,
}  # fmt: skip


class TestLines:
    def test_a_row_has_every_count_under_its_name(self) -> None:
        head, row = history_lines([RUN])
        for name, count in (("Total", "9"), ("Added", "5"), ("Removed", "3"), ("Failed", "1"), ("Waiting", "0")):
            end = head.index(name) + len(name)
            assert row[:end].endswith(f" {count}"), name
        assert row.startswith("live.2026-05-04") and "1 m 5 s" in row

    def test_says_what_is_not_accounted_for(self) -> None:
        lost = RUN | {"closes": False, "unaccounted": 2}
        assert list(history_lines([lost]))[1].endswith("2 records are not accounted for: see their timelines")
        assert "2 records are not accounted for: see their timelines." in list(details_of(lost))

    def test_reasons_stand_beside_their_count(self) -> None:
        assert "failed      1 (1 MC_INVALID)" in list(details_of(RUN))

    @pytest.mark.parametrize(
        ("seconds", "words"), [(None, "-"), (0.4, "0 s"), (59.6, "1 m 0 s"), (3599, "59 m 59 s"), (7260, "2 h 1 m")]
    )
    def test_how_long_it_took(self, seconds: float | None, words: str) -> None:
        assert took(RUN | {"seconds": seconds}) == words


class TestCsv:
    def test_opens_well_and_holds_no_formula(self) -> None:
        row = {
            "entity": "customer", "record": '=HYPERLINK("http://x")', "revision": 3, "outcome": "skipped", "reason": 'no, "mail"',
            "entered_at": "2026-05-04T12:00:00+00:00", "ended_at": None,
        }  # fmt: skip
        head, told = csv.reader(io.StringIO(csv_text([row])))
        assert head == ["entity", "record", "revision", "outcome", "reason", "entered_at", "ended_at"]
        assert told[1] == '\'=HYPERLINK("http://x")' and told[4] == 'no, "mail"' and told[6] == ""
