"""The writer's worker alone, as a process that can be killed: no Kafka, the sandbox's key, a budget of eight places."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from common import failpoints
from common.clock import OffsetClock
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import open_pool
from tests.support.pace import hurried
from tests.support.writing import Key, Places
from vendors import mailchimp
from writing.assembly import assemble


@dataclass(frozen=True)
class Switches:
    failpoints: str
    failpoints_log: Path
    failpoints_seed: int = 0
    test: bool = True


async def main() -> None:
    given = os.environ
    failpoints.arm(Switches(given["FAILPOINTS"], Path(given["FAILPOINTS_LOG"])), "writer-mailchimp")
    clock = OffsetClock(Path(given["SANDBOX_HOME"]))
    pool = await open_pool(given["DATABASE_URL"], name="worker", size=6)
    door = Door(Key(given["API_KEY"]), Places(), clock, {"mailchimp": given["MAILCHIMP"]})
    writer = assemble(mailchimp.VENDOR, pool, clock, door, Metrics(), service="writer-mailchimp", at_once=8)
    stopping = asyncio.Event()
    with hurried():
        await asyncio.gather(
            writer.worker.run(stopping), writer.worker.listen(stopping), writer.lease_renewer.run(stopping)
        )


if __name__ == "__main__":
    asyncio.run(main())
