"""Documents with their children, created once: drafted, compared, posted, then their payments; and in the end, perhaps, void.

A document's key is the source's own id of it. Where the organisation has it unique, the ledger refuses it a second time, and so a child's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from tests.support.ledger.vendor import errors, knowing, wire
from tests.support.ledger.vendor.target import LedgerTarget
from vendors.acts import Act, Look, Nothing, Skip, Step, Wait, Work
from vendors.target_record import TargetRecord

CHILD = "child."
PARENT = Entity("customer")
_CONTENT = ("party", "lines")


class DocumentTarget(LedgerTarget):
    """R23: acts follow from the state of the document, and children are a set by the source's own ids."""

    mode: Mode = "once"
    name = "document"
    match = "key"

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        """R23: of the whole tree."""
        return [*super().keys(document), *(CHILD + child["ext"] for child in document.get("children", ()))]

    def plan(self, work: Work, facts: object | None) -> Step:
        key = work.key or next(iter(work.leaving), "")
        known = work.known.get(key, TargetRecord())
        if not work.is_writer:
            return Skip(SkipReason.SHARES_TARGET)
        if not key:
            return Nothing()
        if (known.exists is None or known.doubtful) and key not in work.fresh:
            return Look(key)
        if work.wish == "absent" or work.document.get("void"):
            return _ended(key, known)
        return _there(work, known)

    def seen(self, record: wire.Record) -> dict[str, Any]:
        children = {CHILD + child["ext"]: child for child in record["children"]}
        return {name: value for name, value in wire.fields(record).items() if name != "children"} | children

    def row(self, act: Act) -> dict[str, Any]:
        if act.action in ("add", "drop"):
            ((path, child),) = act.values.items()
            return {"op": act.action, "child": child, "ext": path.removeprefix(CHILD), **act.memory}
        return {"op": act.action, "fields": dict(act.values), **act.memory}


def _there(work: Work, known: TargetRecord) -> Step:
    content = _content(work)
    if isinstance(content, Wait):
        return content
    if not known.exists:
        if known.met:
            return Skip(SkipReason.NOT_AT_TARGET)
        _adds_up(work.document["lines"], work.document)
        # R24: an insert that the ledger refuses a second time, where it has keys that are unique.
        return Act("create", work.key, content, counts_as="added", batch="create", most=wire.ROWS)
    return _revised(work, content, known) or _posted(work, known) or _children(work, known) or Nothing()


def _content(work: Work) -> dict[str, Any] | Wait:
    parent = RecordRef(entity=PARENT, record=RecordId(work.document["party"]))
    if parent not in work.linked:
        return Wait(parent)
    return {"key": work.key, "lines": work.document["lines"], "party": work.linked[parent]}


def _revised(work: Work, content: Mapping[str, Any], known: TargetRecord) -> Step | None:
    changed = knowing.differences(content, known)
    if not changed:
        return None
    if known.seen["status"] != "draft":
        raise errors.refused(errors.LEDGER_POSTED)
    if knowing.edited(known, changed):
        raise errors.refused(errors.LEDGER_EDITED)
    return _act("update", work.key, changed, known)


def _posted(work: Work, known: TargetRecord) -> Step | None:
    """R25: not before the sum that the ledger has answered is the document's own."""
    if known.seen["status"] != "draft":
        return None
    _adds_up(known.seen["lines"], work.document)
    if Decimal(known.seen["total"]) != Decimal(work.document["total"]):
        raise errors.refused(errors.LEDGER_SUM_DIFFERS, f"{known.seen['total']} for {work.document['total']}")
    return _act("post", work.key, {"status": "posted"}, known)


def _children(work: Work, known: TargetRecord) -> Step | None:
    wanted = {CHILD + child["ext"]: child for child in work.document.get("children", ())}
    for path, child in sorted(wanted.items()):
        if path not in known.seen:
            return _act("add", work.key, {path: child}, known)
    for path in known.agreed:
        if path.startswith(CHILD) and path in known.seen and path not in wanted:
            return _act("drop", work.key, {path: None}, known)
    return None


def _ended(key: str, known: TargetRecord) -> Step:
    """R23: cancelled before it was made, it is never made; children leave before their document is void."""
    if not known.exists or known.seen["status"] == "void":
        return Nothing()
    for path in known.seen:
        if path.startswith(CHILD):
            return _act("drop", key, {path: None}, known)
    return _act("void", key, {"status": "void"}, known)


def _adds_up(lines: list[Mapping[str, Any]], document: Mapping[str, Any]) -> None:
    if sum(Decimal(line["amount"]) for line in lines) != Decimal(document["total"]):
        raise errors.refused(errors.LEDGER_SUM_DIFFERS)


def _act(action: str, key: str, values: Mapping[str, Any], known: TargetRecord) -> Act:
    return Act(action, key, values, batch=action, most=wire.ROWS, memory={"id": known.id})
