"""Notes of parties, in which people write too: a block of our lines, rendered into the text that was just read (R26)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure
from common.http.call import Api
from tests.support.ledger.vendor import wire
from tests.support.ledger.vendor.target import LedgerTarget
from vendors.acts import Act, Look, Nothing, Skip, Step, Wait, Work
from vendors.block import BlockLine, Fence, render
from vendors.target_record import TargetRecord

FENCE = Fence("--- Millrace ---", "--- /Millrace ---", lines=8, letters=1000)
PARENT = Entity("customer")


class NoteTarget(LedgerTarget):
    """The document is whose note it is, which of their notes, and the lines of our store; or the note's own id instead of the first two."""

    mode: Mode = "rendered"
    name = "note"
    match = "note"

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent":
            return Nothing()
        return self._rendered(work, str(work.document["id"])) if "id" in work.document else self._of_party(work)

    def _of_party(self, work: Work) -> Step:
        parent = RecordRef(entity=PARENT, record=RecordId(work.document["party"]))
        if parent not in work.linked:
            return Wait(parent)
        return self._rendered(work, f"{work.linked[parent]}/{work.document['slot']}")

    def _rendered(self, work: Work, id: str) -> Step:
        known = work.known.get(id, TargetRecord())
        if known.exists is None or known.doubtful:
            return Look(id)
        if not known.exists:
            return Skip(SkipReason.NOT_AT_TARGET)
        text = render(known.seen["text"], map(_line, work.document["lines"]), FENCE)
        if text == known.seen["text"]:
            return Nothing()
        return Act("write", id, {"text": text, "token": known.seen["token"]}, batch="write", most=wire.ROWS)

    def seen(self, record: wire.Record) -> dict[str, Any]:
        """R26: text and token of one read."""
        return {"text": record["text"], "token": record["token"]}

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """By id: it does not lag."""
        found = await wire.read(api, place, self.name, keys)
        return {
            key: self.shown(one) if one else TargetRecord(exists=False) for key, one in zip(keys, found, strict=True)
        }

    def row(self, act: Act) -> dict[str, Any]:
        """R26: the request id derives from what is sent, token included: another text of the same event is another request."""
        sent = "\n".join([act.key, act.values["token"], act.values["text"]])
        name = hashlib.sha256(sent.encode()).hexdigest()
        return {"op": "write", "id": act.key, "request_id": name, **act.values}


def _line(told: Mapping[str, Any]) -> BlockLine:
    return BlockLine(datetime.fromisoformat(told["at"]), told["id"], told["words"])
