"""The worker of the QuickBooks writer alone, as a process that can be killed: no Kafka, one token, as many calls as it likes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from common import failpoints
from common.clock import OffsetClock
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import open_pool
from tests.support.books_world import OneToken
from tests.support.ledger.calling import AnyNumber
from tests.support.pace import hurried
from tests.support.programs import Program, start
from tests.support.quickbooks_world import SERVICE, QuickBooksWorld
from tests.support.worker_process import Switches
from vendors import quickbooks
from writing.assembly import assemble


@dataclass
class KilledWorker:
    """The process, as often as a test starts it, and how often it has died."""

    world: QuickBooksWorld
    database: str
    folder: Path
    points: tuple[str, ...]
    deaths: int = 0
    running: Program | None = field(default=None)

    async def live_on(self) -> None:
        """One that has died is followed by another; what it had taken is free, as it is when its lease has run out."""
        if self.running is not None and self.running.poll() is None:
            return
        self.deaths += self.running is not None
        await self.world.execute("update flow.work_item set lease_until = now() - interval '1 second' where token is not null")  # fmt: skip
        environment = {
            **os.environ, "FAILPOINTS": ";".join(f"{one}=kill*1" for one in self.points), "FAILPOINTS_LOG": str(self.folder / "failpoints.log"),
            "SANDBOX_HOME": str(self.world.sandbox.home), "DATABASE_URL": self.database, "TOKEN": self.world.token,
            "QUICKBOOKS": f"{self.world.sandbox.base_url}/quickbooks",
        }  # fmt: skip
        with (self.folder / "worker.log").open("ab") as log:
            self.running = start("tests.support.quickbooks_worker", environment=environment, output=log)

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()[-2000:]

    def stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.kill()
            self.running.wait(10)


async def main() -> None:
    given = os.environ
    failpoints.arm(Switches(given["FAILPOINTS"], Path(given["FAILPOINTS_LOG"])), SERVICE)
    clock = OffsetClock(Path(given["SANDBOX_HOME"]))
    pool = await open_pool(given["DATABASE_URL"], name="worker", size=6)
    door = Door(OneToken(given["TOKEN"]), AnyNumber(), clock, {"quickbooks": given["QUICKBOOKS"]})
    writer = assemble(quickbooks.VENDOR, pool, clock, door, Metrics(), service=SERVICE, at_once=4)
    stopping = asyncio.Event()
    with hurried():
        await asyncio.gather(
            writer.worker.run(stopping), writer.worker.listen(stopping), writer.lease_renewer.run(stopping)
        )


if __name__ == "__main__":
    asyncio.run(main())
