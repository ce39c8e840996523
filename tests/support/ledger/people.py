"""What people do in the ledger: they edit records, and write into notes, also between the lines of others."""

from __future__ import annotations

from typing import Any

from tests.support.ledger.book import Book, Organisation

Wish = dict[str, Any]


def act(book: Book, wish: Wish) -> dict[str, Any]:
    """One act of one person; the answer is what the ledger answers."""
    org, who = book.organisation(wish["org"]), f"person {wish.get('who', 'Ida')}"
    if wish["entity"] == "note":
        return _type(book, org, wish, who)
    op = wish.get("op", "update")
    row = {key: wish[key] for key in ("id", "child", "ext") if key in wish} | {"op": op, "fields": wish.get("set", {})}
    (answer,) = book.write(org, wish["entity"], [row], who)
    return answer


def _type(book: Book, org: Organisation, wish: Wish, who: str) -> dict[str, Any]:
    """Puts a text in front, behind, or after the line that begins with `after`; or takes a line away."""
    (note,) = book.read(org, "note", [wish["id"]])
    assert note is not None, wish
    lines = note["text"].split("\n") if note["text"] else []
    if "without" in wish:
        lines = [line for line in lines if line != wish["without"]]
    else:
        lines.insert(_place(lines, wish), wish["text"])
    row = {"op": "write", "id": wish["id"], "token": note["token"], "text": "\n".join(lines)}
    (answer,) = book.write(org, "note", [row], who)
    return answer


def _place(lines: list[str], wish: Wish) -> int:
    after = wish.get("after")
    if after is not None:
        found = [at for at, line in enumerate(lines) if line.startswith(after)]
        return found[0] + 1 if found else len(lines)
    return 0 if wish.get("at", "end") == "start" else len(lines)
