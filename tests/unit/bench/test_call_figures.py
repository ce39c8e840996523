"""Calls of a load by the vendors' own log: needed, repeated, other."""

from __future__ import annotations

from typing import Any

from bench.call_figures import calls, ideal_calls, made_twice

ORDER = "sort_column=created_time&sort_order=A&contact_type=customer"


def row(route: str, query: str = "", status: int = 200, made: tuple[str, ...] = ()) -> dict[str, Any]:
    applied = [{"kind": "member", "id": id, "op": "create"} for id in made]
    return {"route": route, "query": query, "status": status, "applied": applied}


def page(number: int, status: int = 200) -> dict[str, Any]:
    return row("GET /contacts", f"page={number}&per_page=200&{ORDER}", status)


MADE = "POST /lists/{list_id}"
LOOK = "GET /lists/{list_id}/members/{subscriber_hash}"


class TestIdealCalls:
    def test_are_those_of_the_promise(self) -> None:
        assert [ideal_calls(n, n) for n in (500, 5_000, 50_000)] == [4, 35, 350]


class TestCalls:
    def test_of_a_load_without_trouble_are_the_ideal_ones(self) -> None:
        sampled = row("GET /contacts", f"page=1&per_page=1&{ORDER}")
        changed = row("GET /contacts", "page=1&per_page=200&sort_column=last_modified_time&sort_order=D")
        told = calls([sampled, page(1), page(2), page(3), changed], [row("GET /lists"), row(MADE)], 500, 480)
        assert (told["calls: list"], told["calls: new members"], told["calls over ideal"]) == (3, 1, 1.0)
        assert (told["calls: all others, books"], told["calls: all others, mailchimp"]) == (2, 1)
        assert (told["calls: repeated"], told["answers 429"], told["members made twice"]) == (0, 0, 0)

    def test_count_what_was_repeated_after_a_kill(self) -> None:
        books = [page(1), page(2), page(2), page(3, status=429)]
        told = calls(books, [row(MADE), row(MADE), row(LOOK), row(LOOK)], 500, 480)
        assert told["calls: pages read twice"] == 1
        assert told["calls: looks"] == 2
        assert told["calls: repeated"] == 1 + 1 + 2
        assert told["answers 429"] == 1
        assert told["calls over ideal"] == 6 / 4

    def test_tell_whom_they_made_twice(self) -> None:
        assert made_twice([row(MADE, made=("a", "b")), row(MADE, made=("b",))]) == {"b": 2}
