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
from vendors.acts import Act, Counted, Look, Nothing, Skip, Step, Work, id_of_key
from vendors.catalogue import CatalogueField
from vendors.target_record import TargetRecord


class PartyTarget(LedgerTarget):
    """The newest state counts."""

    mode: Mode = "state"
    name = "party"
    match = "email"
    fields = (
        CatalogueField("email", "E-mail", "email", required=True),
        CatalogueField("name", "Name", "text"),
        CatalogueField("phone", "Phone", "phone"),
    )

    def plan(self, work: Work, facts: object | None) -> Step:
        if work.wish == "absent":
            return _left(work)
        if not work.is_writer:
            return Skip(SkipReason.SHARES_TARGET)
        known = work.known.get(work.key, TargetRecord())
        if (known.exists is None or known.doubtful) and work.key not in work.fresh:
            return Look(work.key)
        if not known.exists:
            if known.met and knowing.LEFT not in known.memory:
                return Skip(SkipReason.NOT_AT_TARGET)
            return Act("create", work.key, work.document, counts_as="added", batch="create", most=wire.ROWS)
        changed = knowing.differences(work.document, known)
        if not changed:
            return Nothing()
        return _act("update", work.key, changed, known)

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


class ContactTarget(PartyTarget):
    """Persons of parties; tests of the mapper tell of them, and nobody writes them."""

    name = "contact"


def _left(work: Work) -> Step:
    """Whoever left by itself, and was not asked to be taken away, stays in the ledger."""
    if work.document.get("how") != "archive":
        return Nothing()
    key = next(iter(work.leaving), "")
    known = work.known.get(key, TargetRecord())
    if key and (known.exists is None or known.doubtful) and key not in work.fresh:
        return Look(key)
    return _act("delete", key, {}, known) if known.exists else Nothing()


def _act(action: str, key: str, values: Mapping[str, Any], known: TargetRecord) -> Act:
    counts_as: Counted = "removed" if action == "delete" else "updated"
    return Act(action, key, values, counts_as, batch=action, most=wire.ROWS, memory={"id": known.id})
