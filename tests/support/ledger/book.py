"""What the ledger knows and what it does to it: parties, documents with children, and notes on parties that people write in.

Ids of parties and documents are the ledger's own. A document's key is refused a second time where the organisation has it unique, and a
child's too; elsewhere only a look-up tells, and look-ups lag. A note is written with the token of the text that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.support.ledger.shelf import Fields, Shelf

Row = dict[str, Any]
# A word that no organisation takes in any field.
REFUSED_WORD = "refuse-me"


class RowRefused(Exception):
    """One row's refusal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@dataclass
class Organisation:
    """One place of the account."""

    id: str
    unique: bool = True
    """Whether a document's key, and a child's, is refused a second time."""
    remembers: bool = True
    """Whether a repeated request id gets its first answer again."""
    titles: tuple[str, ...] = ()
    """Fields of parties that the ledger keeps in its own spelling: every word with a capital."""
    keeps: dict[str, str] = field(default_factory=dict)
    """What it makes of a value of a party, whoever sends it."""
    refuses: str = ""
    """A word that this organisation does not take in any field."""
    lag_s: float = 0.0
    """How far look-ups are behind."""
    rounding: str = "0"
    """What the ledger's own arithmetic adds to the sum of a document's lines."""
    party: Shelf = field(default_factory=lambda: Shelf("P"))
    document: Shelf = field(default_factory=lambda: Shelf("D"))
    note: Shelf = field(default_factory=lambda: Shelf("N"))
    answers: dict[str, Row] = field(default_factory=dict)
    taken: set[Any] = field(default_factory=set)


@dataclass
class Book:
    """All organisations, and every change in its order."""

    clock: Callable[[], float]
    organisations: dict[str, Organisation] = field(default_factory=dict)
    changes: list[Row] = field(default_factory=list)
    on_change: Callable[[Row], None] = lambda change: None

    def organisation(self, id: str) -> Organisation:
        if id not in self.organisations:
            raise RowRefused("no_organisation", f"There is no organisation {id}.")
        return self.organisations[id]

    # --- reading

    def read(self, org: Organisation, entity: str, ids: list[str]) -> list[Fields | None]:
        """By id: what was just written is there."""
        if entity == "note":
            return [self._note(org, id) for id in ids]
        return [getattr(org, entity).get(id) for id in ids]

    def find(self, org: Organisation, entity: str, name: str, values: list[Any]) -> list[list[Fields]]:
        """By a field: as the index is, which lags."""
        shelf: Shelf = getattr(org, entity)
        shown = shelf.shown(name, self.clock() - org.lag_s)
        return [shown.get(value, []) for value in values]

    # --- writing

    def write(self, org: Organisation, entity: str, rows: list[Row], author: str = "api") -> list[Row]:
        """Each row for itself."""
        return [self._once(org, entity, row, author) for row in rows]

    def _once(self, org: Organisation, entity: str, row: Row, author: str) -> Row:
        name = str(row.get("request_id") or "")
        if name and org.remembers and name in org.answers:
            return org.answers[name]
        try:
            if REFUSED_WORD in repr(row) or (org.refuses and org.refuses in repr(row)):
                raise RowRefused("invalid", "A value is not allowed.")
            answer: Row = {"record": self._apply(org, entity, row, author)}
        except RowRefused as refusal:
            answer = {"error": {"code": refusal.code, "message": refusal.message}}
        if name:
            org.answers[name] = answer
        return answer

    def _apply(self, org: Organisation, entity: str, row: Row, author: str) -> Fields:
        acts: dict[str, Callable[[Organisation, Row, str], Fields]] = {
            "party create": self._create_party, "party update": self._update_party, "party delete": self._delete_party,
            "document create": self._create_document, "document update": self._update_document,
            "document post": self._post, "document void": self._void,
            "document add": self._add_child, "document drop": self._drop_child,
            "note write": self._write_note,
        }  # fmt: skip
        act = acts.get(f"{entity} {row.get('op')}")
        if act is None:
            raise RowRefused("no_such_act", f"{entity} {row.get('op')}")
        return act(org, row, author)

    def _create_party(self, org: Organisation, row: Row, author: str) -> Fields:
        id = org.party.new_id()
        return self._keep(org, "party", "create", id, self._spelt(org, row["fields"]) | {"id": id}, author)

    def _update_party(self, org: Organisation, row: Row, author: str) -> Fields:
        return self._change(org, "party", row, self._spelt(org, row["fields"]), author)

    def _delete_party(self, org: Organisation, row: Row, author: str) -> Fields:
        return self._change(org, "party", row, {"deleted": True}, author)

    def _create_document(self, org: Organisation, row: Row, author: str) -> Fields:
        fields = dict(row["fields"])
        if org.party.get(str(fields.get("party"))) is None:
            raise RowRefused("no_party", "A document is a party's.")
        if org.unique and fields.get("key") in org.taken:
            raise RowRefused("taken", "Another document has this key.")
        org.taken.add(fields.get("key"))
        id = org.document.new_id()
        made = {"children": [], "lines": []} | fields | {"id": id, "status": "draft"}
        made |= {"total": _sum(org, made)}
        return self._keep(org, "document", "create", id, made, author)

    def _update_document(self, org: Organisation, row: Row, author: str) -> Fields:
        fields = self._live(org, "document", row) | dict(row["fields"])
        return self._change(org, "document", row, fields | {"total": _sum(org, fields)}, author)

    def _post(self, org: Organisation, row: Row, author: str) -> Fields:
        return self._change(org, "document", row, {"status": "posted"}, author)

    def _add_child(self, org: Organisation, row: Row, author: str) -> Fields:
        document, child = self._live(org, "document", row), dict(row["child"])
        there = [one["ext"] for one in document["children"]]
        if org.unique and child["ext"] in there:
            raise RowRefused("taken", "The document has this child.")
        return self._change(org, "document", row, {"children": [*document["children"], child]}, author, child["ext"])

    def _drop_child(self, org: Organisation, row: Row, author: str) -> Fields:
        document = self._live(org, "document", row)
        kept = [one for one in document["children"] if one["ext"] != row["ext"]]
        if len(kept) == len(document["children"]):
            raise RowRefused("gone", "The document has no such child.")
        return self._change(org, "document", row, {"children": kept}, author, row["ext"])

    def _void(self, org: Organisation, row: Row, author: str) -> Fields:
        return self._change(org, "document", row, {"status": "void"}, author)

    def _write_note(self, org: Organisation, row: Row, author: str) -> Fields:
        note = self._note(org, str(row["id"]))
        if note is None:
            raise RowRefused("gone", "A note is a party's.")
        if row.get("token") != note["token"]:
            raise RowRefused("stale", "The text was changed since it was read.")
        return self._keep(org, "note", "write", note["id"], note | {"text": row["text"]}, author)

    # --- what it is made of

    def _live(self, org: Organisation, entity: str, row: Row) -> Fields:
        found: Fields | None = getattr(org, entity).get(str(row.get("id")))
        if found is None or found.get("deleted"):
            raise RowRefused("gone", f"There is no {entity} {row.get('id')}.")
        if found.get("status") == "void":
            raise RowRefused("void", "The document is void.")
        return found

    def _change(self, org: Organisation, entity: str, row: Row, fields: Fields, author: str, child: str = "") -> Fields:
        found = self._live(org, entity, row)
        return self._keep(org, entity, row["op"], found["id"], found | fields, author, child)

    def _keep(
        self, org: Organisation, entity: str, op: str, id: str, fields: Fields, author: str, child: str = ""
    ) -> Fields:
        """Every change has its place in the order of all, a token, a stamp of whole seconds and an author."""
        number, at = len(self.changes) + 1, self.clock()
        record = fields | {"token": str(number), "modified": int(at), "author": author}
        getattr(org, entity).put(id, record, at)
        change = {"number": number, "at": at, "org": org.id, "entity": entity, "op": op, "id": id, "author": author,
                  "child": child, "record": record}  # fmt: skip
        self.changes.append(change)
        self.on_change(change)
        return record

    def _note(self, org: Organisation, id: str) -> Fields | None:
        """A note is there with its party: `P7/calls`."""
        if org.party.get(id.partition("/")[0]) is None:
            return None
        return org.note.get(id) or {"id": id, "text": "", "token": "0", "modified": 0, "author": ""}

    def _spelt(self, org: Organisation, fields: Fields) -> Fields:
        kept = {
            name: org.keeps.get(value, value) if isinstance(value, str) else value for name, value in fields.items()
        }
        return {name: value.title() if name in org.titles and isinstance(value, str) else value for name, value in kept.items()}  # fmt: skip


def _sum(org: Organisation, document: Fields) -> str:
    return str(sum((Decimal(line["amount"]) for line in document["lines"]), Decimal(org.rounding)))
