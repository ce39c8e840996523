"""A block in a text that people edit: their words stay, our lines are the newest, each once and in order (R26)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vendors.block import BlockLine, Fence, ours, people, render

FENCE = Fence("--- Millrace ---", "--- /Millrace ---", lines=3, letters=400)
START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def line(number: int, words: str = "opened") -> BlockLine:
    return BlockLine(START + timedelta(minutes=number), f"e{number}", words)


def block(*numbers: int) -> str:
    return "\n".join([FENCE.begin, *(str(line(number)) for number in numbers), FENCE.end])


typed = st.lists(st.text(alphabet="ab #-\u2022\r", max_size=8), max_size=5).map("\n".join)


class TestRender:
    def test_puts_the_block_behind_what_people_wrote(self) -> None:
        assert render("Likes tea.", [line(1)], FENCE) == f"Likes tea.\n{block(1)}"

    def test_leaves_a_text_without_news_as_it_is(self) -> None:
        text = f"Likes tea.\n{block(1, 2)}\nCall on Monday."
        assert render(text, [line(2), line(1)], FENCE) == text
        assert render("Likes tea.", [], FENCE) == "Likes tea."

    def test_has_the_newest_in_their_order_whatever_order_they_came_in(self) -> None:
        once = render("", [line(4), line(2)], FENCE)
        assert render(once, [line(1), line(3)], FENCE) == block(2, 3, 4)

    def test_keeps_lines_that_the_store_has_forgotten(self) -> None:
        assert render(block(1, 2), [line(3)], FENCE) == block(1, 2, 3)

    def test_knows_a_line_by_its_id_and_not_by_its_words(self) -> None:
        assert len(ours(render("", [line(1, "left"), line(2, "left")], FENCE))) == 2

    def test_keeps_what_was_typed_inside_the_fence_behind_it(self) -> None:
        text = block(1, 2).replace("\n", "\nshe is on holiday\n", 1)
        assert render(text, [line(1), line(2)], FENCE) == f"{block(1, 2)}\nshe is on holiday"

    def test_keeps_what_comes_after_a_fence_whose_end_was_taken_away(self) -> None:
        text = f"tea\n{FENCE.begin}\n{line(1)}\nand cake"
        assert render(text, [line(1)], FENCE) == f"tea\n{block(1)}\nand cake"

    def test_takes_a_line_of_ours_that_somebody_has_edited_for_theirs(self) -> None:
        text = block(1).replace("opened", "opened", 1).replace(str(line(1)), f"{line(1)} (I called her)")
        told = render(text, [line(1)], FENCE)
        assert f"{line(1)} (I called her)" in told.split("\n")
        assert list(ours(told)) == ["e1"]

    def test_orders_what_is_of_one_second_by_its_id_wherever_it_was_read(self) -> None:
        late = BlockLine(START + timedelta(microseconds=9), "a", "opened")
        early = BlockLine(START, "b", "opened")
        once = render("", [late, early], FENCE)
        assert list(ours(once)) == ["a", "b"]
        assert render(once, [early], FENCE) == once

    def test_has_no_more_than_fits(self) -> None:
        wide = Fence(FENCE.begin, FENCE.end, lines=3, letters=len(block(1, 2)))
        assert render("", [line(1), line(2), line(3)], wide) == block(2, 3)

    @given(typed, st.sets(st.integers(1, 9)), st.sets(st.integers(1, 9)))
    def test_changes_no_byte_of_peoples_and_rests(self, text: str, first: set[int], then: set[int]) -> None:
        once = render(text, [line(number) for number in first], FENCE)
        twice = render(once, [line(number) for number in then], FENCE)
        assert people(once, FENCE) == people(text, FENCE)
        assert people(twice, FENCE) == people(text, FENCE)
        assert render(twice, [line(number) for number in then], FENCE) == twice
        assert sorted(ours(twice)) == [f"e{number}" for number in sorted(first | then)[-3:]]

    @given(typed, st.permutations([1, 2, 3, 4, 5]))
    def test_ends_the_same_whatever_order_the_events_came_in(self, text: str, order: list[int]) -> None:
        told = text
        for number in order:
            told = render(told, [line(number)], FENCE)
        assert list(ours(told)) == ["e3", "e4", "e5"]
