"""The notes of a customer: people's words stay byte for byte, our block is between its marks or nowhere (R26)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendors.block import letters
from vendors.quickbooks.note_text import (
    BEGIN,
    END,
    LETTERS,
    LONGEST,
    MOST,
    HandsOff,
    ShownBefore,
    ids_in,
    shown_by,
    wanted,
)

NOTHING = ShownBefore()


def activity(
    *numbers: int, standing: str = "subscribed", words: str = "unsubscribed (Newsletter)", **more: Any
) -> dict[str, Any]:
    lines = [
        {"id": f"event-{n}", "at": f"2026-05-04T10:{n:02d}:00Z", "text": words} for n in sorted(numbers, reverse=True)
    ]
    return {"customer_id": "12", "standing": standing, "lines": lines, **more}


def written(text: str, document: dict[str, Any], shown: ShownBefore = NOTHING) -> str:
    found = wanted(text, document, shown)
    assert isinstance(found, str), found
    return found


def shown(document: dict[str, Any]) -> ShownBefore:
    return ShownBefore.of(shown_by(document))


def without_ours(text: str) -> str:
    """As a person would read it who looks past our marks."""
    lines = text.split("\n")
    if BEGIN not in lines:
        return text
    return "\n".join([*lines[: lines.index(BEGIN)], *lines[lines.index(END) + 1 :]])


class TestWanted:
    def test_is_the_newest_eight_between_two_marks_under_how_the_customer_stands(self) -> None:
        text = written("Likes tea.\n", activity(*range(20), open_rate="0.314", click_rate="0.04"))
        lines = text.split("\n")
        assert lines[:2] == ["Likes tea.", ""]
        assert (lines[2], lines[-1]) == (BEGIN, END)
        assert lines[3] == "\u2022 subscribed, opens 31 %, clicks 4 % #now"
        assert [line[13:21] for line in lines[4:-1]] == [f"10:{n:02d}:00" for n in range(12, 20)]
        assert len(text) - len("Likes tea.\n\n") <= LETTERS

    def test_is_the_same_whoever_renders_and_whatever_was_shown_before(self) -> None:
        whole = written("tea", activity(1, 2, 3))
        assert written(written("tea", activity(2)), activity(1, 2, 3), shown(activity(2))) == whole
        assert written(whole, activity(1, 2, 3), shown(activity(1, 2, 3))) == whole
        assert written(whole, activity(1, 2, 3)) == whole

    def test_keeps_what_the_store_has_forgotten(self) -> None:
        text = written("", activity(1, 2))
        assert ids_in(written(text, activity(3))) == ids_in(written("", activity(1, 2, 3)))

    def test_is_not_written_for_rates_alone(self) -> None:
        before = activity(1, open_rate="0.3")
        text = written("tea", before)
        assert written(text, {**before, "open_rate": "0.9"}, shown(before)) == text
        assert "opens 90 %" in written(text, activity(1, 2, open_rate="0.9"), shown(before))
        assert "unsubscribed #now" in written(text, activity(1, standing="unsubscribed"), shown(before))

    def test_a_block_that_somebody_took_out_comes_back_with_newer_activity_only(self) -> None:
        before = activity(5, 6)
        for document in (before, activity(4, 5, 6), activity(5, 6, standing="unsubscribed")):
            assert written("tea", document, shown(before)) == "tea"
        assert ids_in(written("tea", activity(5, 6, 7), shown(before))) == ids_in(written("", activity(5, 6, 7)))

    @pytest.mark.parametrize(
        "spoilt",
        [
            lambda text: text.replace(END, ""), lambda text: text.replace(BEGIN, "x"), lambda text: f"{text}\n{END}", lambda text: f"{BEGIN}\n{text}",
            lambda text: text.replace(BEGIN, "*").replace(END, BEGIN).replace("*", END),
        ],
    )  # fmt: skip
    def test_leaves_its_hands_off_where_a_mark_is_broken(self, spoilt: Any) -> None:
        text = spoilt(written("tea", activity(1)))
        assert isinstance(wanted(text, activity(1, 2), shown(activity(1))), HandsOff)
        assert wanted(text, activity(1), shown(activity(1))) == text

    def test_leaves_people_the_room_they_need(self) -> None:
        assert isinstance(wanted("x" * (LONGEST - 199), activity(1), NOTHING), HandsOff)
        text = written("x" * (LONGEST - 201), activity(*range(8)))
        assert letters(text) <= LONGEST
        assert ids_in(text)
        full = "x" * (MOST - 201)
        assert isinstance(wanted(full, activity(1), NOTHING), HandsOff)
        assert letters(written(full, activity(*range(8), longest=MOST))) <= MOST
        assert isinstance(wanted("\U0001f600" * 500, activity(1), NOTHING), HandsOff)

    def test_is_as_long_as_it_may_be_and_no_longer_whatever_is_said(self) -> None:
        text = written("", activity(*range(20), words="y" * 500))
        assert letters(text) <= LETTERS
        assert all(len(line) < 130 for line in text.split("\n"))

    def test_what_was_typed_onto_a_mark_s_own_line_stays_where_it_is(self) -> None:
        text = f"Mrs {written('', activity(1))} called on Monday\nand again"
        again = written(text, activity(1, 2), shown(activity(1)))
        assert (again.startswith(f"Mrs {BEGIN}\n"), again.endswith(f"\n{END} called on Monday\nand again")) == (
            True,
            True,
        )

    def test_what_was_typed_inside_is_kept_behind_it(self) -> None:
        text = written("tea", activity(1)).replace(END, f"call her\n{END}")
        assert without_ours(written(text, activity(1, 2), shown(activity(1)))) == "tea\ncall her"

    @settings(max_examples=50)
    @given(st.text(alphabet="ab #-\u2022\r\n:/", max_size=60), st.sets(st.integers(0, 59), min_size=1, max_size=20))
    def test_is_people_s_text_byte_for_byte_around_the_block(self, theirs: str, numbers: set[int]) -> None:
        text = written(theirs, activity(*numbers))
        first, last = f"{BEGIN}\n", f"\n{END}"
        at, end = text.index(first), text.index(last) + len(last)
        assert text[:at] == (f"{theirs}\n" if theirs else "")
        assert text[end:] == ""
        again = written(f"{text}\n{theirs}", activity(*numbers, 59))
        assert again.startswith(text[:at])
        assert again.endswith(f"{END}\n{theirs}")
