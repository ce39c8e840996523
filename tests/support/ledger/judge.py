"""Compares what was wished with what the ledger has: what is there twice, what is missing, what came before its parent, whose words are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """A document as its source has it last."""

    key: str
    party: str
    """The mark of its party."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    void: bool = False


@dataclass(frozen=True)
class Lines:
    """What stands last in a note, and what people have typed there."""

    party: str
    note: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...] = ()


@dataclass
class Wished:
    """The source's own state."""

    parties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By their mark: what they are found by."""
    orders: Sequence[Order] = ()
    lines: Sequence[Lines] = ()


def problems(state: Mapping[str, Any], organisation: str, wished: Wished, *, mark: str = "email") -> list[str]:
    """Nothing, when all is as it should be."""
    there = state["organisations"][organisation]
    parties = {one["id"]: one for one in there["party"].values() if not one.get("deleted")}
    return [
        *_parties(parties, wished, mark),
        *_orders(there["document"], parties, wished, mark),
        *_before_their_parents(state["changes"], organisation),
        *_notes(there["note"], parties, wished, mark),
    ]


def _parties(parties: Mapping[str, Any], wished: Wished, mark: str) -> Iterator[str]:
    by_mark: dict[str, list[Mapping[str, Any]]] = {}
    for party in parties.values():
        by_mark.setdefault(party.get(mark, ""), []).append(party)
    for name, wanted in wished.parties.items():
        found = by_mark.pop(name, [])
        if len(found) != 1:
            yield f"party {name}: there {len(found)} times"
        elif wrong := _wrong(found[0], wanted):
            yield f"party {name}: {wrong}"
    yield from (f"party {name}: nobody has wished it" for name in by_mark)


def _orders(documents: Mapping[str, Any], parties: Mapping[str, Any], wished: Wished, mark: str) -> Iterator[str]:
    by_key: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents.values():
        by_key.setdefault(document["key"], []).append(document)
    for order in wished.orders:
        found = by_key.pop(order.key, [])
        if len(found) != 1:
            yield f"document {order.key}: there {len(found)} times"
        else:
            yield from _order(found[0], order, parties, mark)
    yield from (f"document {key}: nobody has wished it" for key in by_key)


def _order(found: Mapping[str, Any], order: Order, parties: Mapping[str, Any], mark: str) -> Iterator[str]:
    if parties.get(found["party"], {}).get(mark) != order.party:
        yield f"document {order.key}: of another party"
    if (found["status"] == "void") != order.void:
        yield f"document {order.key}: {found['status']}"
    if wrong := _wrong(found, order.fields):
        yield f"document {order.key}: {wrong}"
    if Counter(one["ext"] for one in found["children"]) != Counter(order.children):
        yield f"document {order.key}: children {[one['ext'] for one in found['children']]} for {order.children}"


def _before_their_parents(changes: Sequence[Mapping[str, Any]], organisation: str) -> Iterator[str]:
    """By the ledger's own order: a child after its document, a document after its party, and no void over a child."""
    made: set[str] = set()
    for change in changes:
        if change["org"] != organisation:
            continue
        record = change["record"]
        if change["entity"] == "document" and record["party"] not in made:
            yield f"document {record['key']}: before its party"
        if change["op"] == "void" and any(child["kind"] == "payment" for child in record["children"]):
            yield f"document {record['key']}: void under its payment"
        if change["op"] == "create":
            made.add(change["id"])


def _notes(notes: Mapping[str, Any], parties: Mapping[str, Any], wished: Wished, mark: str) -> Iterator[str]:
    ids = {party.get(mark): id for id, party in parties.items()}
    for lines in wished.lines:
        name = f"{ids.get(lines.party)}/{lines.note}"
        text = notes.get(name, {}).get("text", "").split("\n")
        ours = [line for line in text if line in set(lines.ours)]
        if tuple(ours) != lines.ours:
            yield f"note {name} of {lines.party}: {ours} for {lines.ours}"
        theirs = [line for line in text if line in set(lines.theirs)]
        if sorted(theirs) != sorted(lines.theirs):
            yield f"note {name} of {lines.party}: people's lines are {theirs} for {lines.theirs}"


def _wrong(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} is {found.get(name)!r} for {value!r}" for name, value in wanted.items() if found.get(name) != value)  # fmt: skip
