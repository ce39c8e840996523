"""How much waits for a person: open dead letters, and work that its writer gave up."""

from __future__ import annotations

from common.metric_register import DEAD_LETTERS_OPEN
from common.metrics import Metrics
from common.state.pool import DbConnection, Pool, connection

EVERY_S = 15.0


class OpenLetters:
    """Counts them for the metrics, by the service that gave up and its reason."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._told: set[tuple[str, str]] = set()

    async def count(self) -> None:
        """What is open no more is told as nothing, so that an alert ends."""
        async with connection(self._pool) as link:
            waiting = await open_by_reason(link)
        for service, code in self._told | set(waiting):
            self._metrics.set(DEAD_LETTERS_OPEN, waiting.get((service, code), 0), service=service, code=code)
        self._told |= set(waiting)


async def open_by_reason(link: DbConnection) -> dict[tuple[str, str], int]:
    """How many wait, by service and error code; both counts are read from indexes that hold nothing but what waits."""
    rows = await link.fetch(_WAITING)
    return {(row["service"], row["code"]): row["waiting"] for row in rows}


_WAITING = """
with letters as (
    select err_service as service, err_code as code, count(*) as n from flow.dead_letter where state = 'open' group by 1, 2
), items as (
    select code, sync, entity, count(*) as n from flow.work_item where state in ('dead', 'parked') group by 1, 2, 3
)
select service, code, sum(n)::bigint as waiting from (
    select service, code, n from letters
    union all
    select 'writer-' || c.vendor, i.code, i.n
      from items i join core.leg l on (l.sync, l.name) = (i.sync, i.entity) join core.connection c on c.id = l.target_connection
) as everything group by 1, 2
"""
