"""Parties: the ledger gives them their ids, refuses no second one, and finds them by their e-mail address only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Failure
from common.http.call import Api
from tests.support.ledger.vendor import knowing, wire
from tests.support.ledger.vendor.target import LedgerTarget
from vendors.acts import Act, Look, Nothing, Skip, Step, Work, id_of_key
from vendors.target_record import TargetRecord


class PartyTarget(LedgerTarget):
    """The newest state counts."""

    mode: Mode = "state"
    name = "party"
    match = "email"

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent":
            return Nothing()
        if not work.is_writer:
            return Skip(SkipReason.SHARES_TARGET)
        known = work.known.get(work.key, TargetRecord())
        if (known.exists is None or known.doubtful) and work.key not in work.fresh:
            return Look(work.key)
        if not known.exists:
            if known.met:
                return Skip(SkipReason.NOT_AT_TARGET)
            return Act("create", work.key, work.document, counts_as="added", batch="create", most=wire.ROWS)
        changed = knowing.differences(work.document, known)
        if not changed:
            return Nothing()
        return Act("update", work.key, changed, batch="update", most=wire.ROWS, memory={"id": known.id})

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """By the id of a link, which does not lag; else by the address."""
        ids = {key: id for key in keys if (id := id_of_key(key))}
        found = await super().look(place, [key for key in keys if key not in ids], api) if len(ids) < len(keys) else {}
        read = await wire.read(api, place, self.name, list(ids.values())) if ids else []
        return {**found, **{key: self._read(one) for key, one in zip(ids, read, strict=True)}}

    def _read(self, record: wire.Record | None) -> TargetRecord:
        return TargetRecord(exists=False) if record is None or record.get("deleted") else self.shown(record)

    def row(self, act: Act) -> dict[str, Any]:
        return {"op": act.action, "fields": dict(act.values), **act.memory}
