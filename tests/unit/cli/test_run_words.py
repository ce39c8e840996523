"""Runs as the command line tells them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from millrace.csv_files import csv_text
from millrace.run_words import COLUMNS, details_of, history_lines, progress_line, reason_lines, summary_of, took

RUN: dict[str, Any] = {
    "id": "books.live.2026-05-04", "run": "live.2026-05-04", "sync": "books", "kind": "live", "state": "Completed with errors", "by": "webhook",
    "mapping_version": None, "started_at": "2026-05-04T12:00:00+00:00", "finished_at": "2026-05-04T12:01:05+00:00", "seconds": 65.0,
    "read": None, "expected": None, "calls": {}, "waits_for": None, "details": None, "seconds_left": None, "total": 9, "added": 5, "updated": 0, "removed": 3, "unchanged": 0, "skipped": 0, "failed": 1, "superseded": 0, "waiting": 0,
    "unaccounted": 0, "closes": True, "skipped_by_reason": {}, "failed_by_code": {"MC_INVALID": 1}, "before_ledger": False,
    "reasons": [{"outcome": "failed", "reason": "MC_INVALID", "records": 1, "next_step": "Correct the record or the mapping, then retry.",
                 "meaning": "Mailchimp refused a value of the record; its words name the field, and then some more words."}],
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

    def test_says_how_long_records_are_still_read_one_by_one(self) -> None:
        waits = RUN | {"details": {"awaited": 4700, "a_day": 300, "seconds_left": 15 * 86_400.0}}
        said = "4700 records are still to be read one by one, 300 a day: about 15 days"
        assert f"details     {said}" in list(details_of(waits))
        assert progress_line(waits).endswith(f"; {said}")

    def test_reasons_stand_beside_their_count(self) -> None:
        assert "failed      1 (1 MC_INVALID)" in list(details_of(RUN))

    def test_each_reason_has_its_meaning_and_the_next_step_within_eighty_columns(self) -> None:
        skipped = {
            "outcome": "skipped",
            "reason": "no_email",
            "records": 25,
            "meaning": "None.",
            "next_step": "Enter one.",
        }
        lines = list(reason_lines(RUN | {"skipped": 25, "reasons": [skipped, *RUN["reasons"]]}))
        assert lines == [
            "Skipped 25:",
            "    25  None. [no_email]",
            "        -> Enter one.",
            "Failed 1:",
            "     1  Mailchimp refused a value of the record; its words name the field, and",
            "        then some more words. [MC_INVALID]",
            "        -> Correct the record or the mapping, then retry.",
        ]

    def test_the_books_are_added_up(self) -> None:
        assert "The books close: 9 = 5 added + 3 removed + 1 failed." in list(details_of(RUN))

    @pytest.mark.parametrize(
        ("seconds", "words"), [(None, "-"), (0.4, "0 s"), (59.6, "1 m 0 s"), (3599, "59 m 59 s"), (7260, "2 h 1 m")]
    )
    def test_how_long_it_took(self, seconds: float | None, words: str) -> None:
        assert took(RUN | {"seconds": seconds}) == words


class TestProgress:
    READING = RUN | {"state": "Reading", "total": 40, "waiting": 30, "finished_at": None, "seconds": None}

    def test_counts_what_was_read_until_it_is_known_how_many_there_are(self) -> None:
        assert progress_line(self.READING) == f"{RUN['id']}: at least 40 records, 30 still to write"
        about = self.READING | {"expected": 400, "seconds_left": 62.0}
        assert progress_line(about) == f"{RUN['id']}: 10 of about 400 records have their end, about 1 m 2 s left"
        known = self.READING | {"read": 50, "seconds_left": 62.0}
        assert progress_line(known) == f"{RUN['id']}: 10 of 50 records have their end, about 1 m 2 s left"

    def test_says_what_it_waits_for(self) -> None:
        waits = {"reason": "throttled", "until": None}
        assert progress_line(self.READING | {"waits_for": waits}).endswith("; waits: vendor quota")
        paused = {"reason": "restored", "until": "2026-05-04T12:00:06+00:00"}
        assert "; waits: restored, until " in progress_line(self.READING | {"waits_for": paused})


class TestSummary:
    def test_has_eight_counts_that_add_up(self) -> None:
        told = summary_of(RUN | {"calls": {"mailchimp": 2}})
        assert list(told) == ["run", "state", "counts", "calls", "seconds"]
        counts = dict(told["counts"])
        assert list(counts) == ["total", "added", "updated", "unchanged", "skipped", "failed", "superseded", "waiting"]
        assert counts.pop("total") == sum(counts.values())
        assert (told["calls"], told["seconds"]) == ({"mailchimp": 2}, 65.0)


class TestCsv:
    def test_opens_well_and_holds_no_formula(self) -> None:
        row = {
            "entity": "customer", "record": '=HYPERLINK("http://x")', "revision": 3, "outcome": "skipped", "reason": 'no, "mail"',
            "entered_at": "2026-05-04T12:00:00+00:00", "ended_at": None,
        }  # fmt: skip
        head, told = csv.reader(io.StringIO(csv_text(COLUMNS, [row])))
        assert head == ["entity", "record", "revision", "outcome", "reason", "entered_at", "ended_at"]
        assert told[1] == '\'=HYPERLINK("http://x")' and told[4] == 'no, "mail"' and told[6] == ""
