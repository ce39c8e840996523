"""How far targets are from what they shall be, for the metrics: what the last reconciliation of every leg has found."""

from __future__ import annotations

from collections.abc import Mapping

from common.metric_register import DRIFT_FIELDS, DRIFT_RECORDS
from common.metrics import Metrics
from common.state.pool import DbConnection, Pool, connection

EVERY_S = 15.0


class Drift:
    """Tells it, whichever writer has compared: by sync and kind, and by sync and field."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._records: set[tuple[str, str]] = set()
        self._fields: set[tuple[str, str]] = set()

    async def tell(self) -> None:
        """A field that drifts no more is told no more, and so is a sync that is gone."""
        async with connection(self._pool) as link:
            records, fields = await found_by_kind(link), await found_by_field(link)
        for (sync, kind), many in records.items():
            self._metrics.set(DRIFT_RECORDS, many, sync=sync, kind=kind)
        for (sync, field), many in fields.items():
            self._metrics.set(DRIFT_FIELDS, many, sync=sync, field=field)
        for sync, kind in self._records - set(records):
            self._metrics.forget(DRIFT_RECORDS, sync=sync, kind=kind)
        for sync, field in self._fields - set(fields):
            self._metrics.forget(DRIFT_FIELDS, sync=sync, field=field)
        self._records, self._fields = set(records), set(fields)


async def found_by_kind(link: DbConnection) -> Mapping[tuple[str, str], int]:
    """How many records differ, by sync and by how they do: nought where nothing does."""
    rows = await link.fetch(
        """
        select r.sync, k.kind, sum((r.result ->> k.kind)::bigint)::bigint as many
          from flow.reconciliation r join core.leg l on (l.sync, l.name) = (r.sync, r.entity)
         cross join (values ('drifted'), ('missing'), ('superfluous')) as k(kind)
         where r.ended_at is not null group by 1, 2
        """
    )
    return {(row["sync"], row["kind"]): row["many"] for row in rows}


async def found_by_field(link: DbConnection) -> Mapping[tuple[str, str], int]:
    """How many records differ in each field, by sync."""
    rows = await link.fetch(
        """
        select r.sync, f.field, sum(f.many::bigint)::bigint as many
          from flow.reconciliation r join core.leg l on (l.sync, l.name) = (r.sync, r.entity)
         cross join jsonb_each_text(r.result -> 'fields') as f(field, many)
         where r.ended_at is not null group by 1, 2
        """
    )
    return {(row["sync"], row["field"]): row["many"] for row in rows}
