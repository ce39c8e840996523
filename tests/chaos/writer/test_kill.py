"""kill -9 at every failpoint of the writer: nothing lost, nothing written twice, the journal exact."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.bus.handler import Delivered
from common.contracts.messages import WriteCommand
from common.contracts.topics import commands
from common.failpoints import POINTS
from tests.support.database import Database
from tests.support.programs import Program, start
from tests.support.run_ledger import counts, created, disagreements, let_in, wished
from tests.support.writer_service import WriterService, publish
from tests.support.writing import World
from vendors.mailchimp.limits import HORIZON
from vendors.mailchimp.operations import Operations

POINTS_OF_THE_WORKER = [name for name in POINTS if name.startswith(("executor.", "settle."))]
TOPIC = commands("mailchimp")
# A worker that starts on a busy machine takes seconds, three of them have to.
WITHIN_S = 150


class Worker:
    """The worker's process, as often as a test starts it."""

    def __init__(self, world: World, database: Database, folder: Path, spec: str) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "FAILPOINTS": spec,
            "FAILPOINTS_LOG": str(folder / "failpoints.log"),
            "SANDBOX_HOME": str(world.sandbox.home),
            "DATABASE_URL": database.url("service"),
            "API_KEY": world.account["api_key"],
            "MAILCHIMP": f"{world.sandbox.base_url}/mailchimp",
        }
        self.running: Program | None = None

    def start(self) -> None:
        with (self._folder / "worker.log").open("ab") as log:
            self.running = start("tests.support.worker_process", environment=self._environment, output=log)

    @property
    def log(self) -> str:
        return (self._folder / "worker.log").read_text()[-2000:]

    async def live_on(self, world: World) -> bool:
        """Whether one has died that another follows now; what it had taken is free, as it is when its lease has run out.

        A living one keeps what it has: on a busy machine it may need longer for a step than a test waits between two looks.
        """
        if self.running is not None and self.running.poll() is None:
            return False
        died = self.running is not None
        await world.execute(
            "update flow.work_item set lease_until = now() - interval '1 second' where token is not null"
        )
        await world.execute("update flow.deferred_call set lease_until = null")
        self.start()
        return died

    def stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.kill()
            self.running.wait(10)


@pytest.fixture
def worker(request: pytest.FixtureRequest, world: World, database: Database, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(world, database, tmp_path, f"{request.param}=kill*2")
    yield made
    made.stop()


async def time_passes(world: World) -> None:
    """Horizons run out."""
    world.advance(HORIZON.total_seconds() + 1)
    await asyncio.sleep(0.5)


async def through(world: World, count: int, revision: int) -> bool:
    rows = await world.rows("select state from flow.work_item where revision = $1", revision)
    return len(rows) == count and all(row["state"] == "done" for row in rows)


@pytest.mark.timeout(3 * WITHIN_S)
class TestKill:
    @pytest.mark.parametrize("worker", POINTS_OF_THE_WORKER, indirect=True)
    async def test_loses_and_doubles_nothing(self, world: World, worker: Worker) -> None:
        # Some outcomes are unknown whoever dies, so that looks are interrupted too.
        world.fault("half_commit", "*", share=0.3, seed=7)
        wishes = dict[tuple[str, str, int], str]()
        await self.want(world, wishes, [world.command(str(n), f"a{n}@ex.org", FNAME="A", tags=["t"]) for n in range(3)])
        deaths = 0
        for wave in range(2):
            deadline = time.monotonic() + WITHIN_S
            while time.monotonic() < deadline:
                deaths += await worker.live_on(world)
                await time_passes(world)
                if await through(world, 3, wave + 1):
                    break
            if wave == 0:
                # A new address each: a new member, then the archive of the old one.
                await self.want(
                    world, wishes, [world.command(str(n), f"b{n}@ex.org", FNAME="B", tags=["t"]) for n in range(3)]
                )
        assert deaths == 2, worker.log
        assert await through(world, 3, 2), f"{await world.rows('select * from flow.work_item')}\n{worker.log}"
        audience = {e: one for e, one in world.audience().items() if one["status"] != "archived"}
        assert {e: (one["merge_fields"]["FNAME"], one["status"]) for e, one in audience.items()} == {
            f"b{n}@ex.org": ("B", "subscribed") for n in range(3)
        }
        assert await world.told() == world.applied()
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        assert await world.rows("select from flow.target_lease") == []
        # Every change has its end in the ledger exactly once, whatever died around the transaction that stored it.
        assert await disagreements(world, wishes) == {}
        assert await counts(world) == {"entered": 6, "added": 6} and created(world) == 6

    async def want(
        self, world: World, wishes: dict[tuple[str, str, int], str], batch: list[Delivered[WriteCommand]]
    ) -> None:
        wishes |= {("s1", one.message.record, one.message.revision): wished(one.message) for one in batch}
        await let_in(world, *(one.message for one in batch))
        await world.store(*batch)

    async def test_between_the_intakes_commit_and_its_offsets_repeats_harmlessly(
        self, world: World, service: WriterService, tmp_path: Path
    ) -> None:
        batch = [world.command(str(n), f"a{n}@ex.org", FNAME="A") for n in range(3)]
        await publish(service.stack.kafka, TOPIC, batch)
        armed = {
            "MILLRACE_FAILPOINTS": "intake.after_commit=kill*1",
            "MILLRACE_FAILPOINTS_LOG": str(tmp_path / "log"),
            # Who was killed is not waited for longer than needed.
            "KAFKA_SESSION_TIMEOUT_S": "1.5",
        }
        assert service.until_dead(service.start(**armed)) == -signal.SIGKILL, service.log()[-2000:]
        service.start(**armed)
        await world.until(lambda: through(world, 3, 1), "everything is through", within=60)
        assert len(world.audience()) == 3
        assert await world.told() == world.applied()


@pytest.mark.timeout(3 * WITHIN_S)
class TestKillOfDeferredCalls:
    @pytest.mark.parametrize(
        "worker", ["executor.after_intent", *(name for name in POINTS if name.startswith("deferred."))], indirect=True
    )
    async def test_loses_and_doubles_nothing(self, world: World, worker: Worker) -> None:
        """Before and after it is handed in, with its results in hand, and before the call is forgotten."""
        many = Operations.least
        await world.store(*(world.command(str(n), f"a{n}@ex.org", FNAME="A") for n in range(many)))
        await world.settled(within=60)
        await world.store(*(world.command(str(n), f"a{n}@ex.org", FNAME="B") for n in range(many)))
        deaths, deadline = 0, time.monotonic() + WITHIN_S
        while not await through(world, many, 2) and time.monotonic() < deadline:
            deaths += await worker.live_on(world)
            await time_passes(world)
        assert deaths >= 1, worker.log
        assert {one["merge_fields"]["FNAME"] for one in world.audience().values()} == {"B"}
        await world.until(lambda: _nothing_is_kept(world), "every call is forgotten")
        assert await world.told() == world.applied()
        assert await world.rows("select from flow.write_intent where state = 'sent'") == []
        assert await world.rows("select from flow.target_lease") == []


async def _nothing_is_kept(world: World) -> bool:
    await world.execute("update flow.deferred_call set lease_until = null")
    world.advance(HORIZON.total_seconds() + 1)
    return not await world.rows("select from flow.deferred_call")


class TestService:
    async def test_two_replicas_and_a_clean_stop_in_the_middle(self, world: World, service: WriterService) -> None:
        first, second = service.start(), service.start()
        service.until_ready(0)
        service.until_ready(1)
        world.fault("latency", "*", seconds=0.2)
        for wave in range(3):
            await publish(service.stack.kafka, TOPIC, [world.command(str(n), f"a{n}@ex.org", FNAME=str(wave)) for n in range(8)])  # fmt: skip
            if wave == 1:
                first.send_signal(signal.SIGTERM)
        assert service.until_dead(first) == 0
        await world.until(lambda: through(world, 8, 3), "everything is through", within=60)
        assert {one["merge_fields"]["FNAME"] for one in world.audience().values()} == {"2"}
        assert await world.told() == world.applied()
        second.send_signal(signal.SIGTERM)
        assert service.until_dead(second) == 0

    async def test_a_whole_topic_again_three_times_writes_nothing(self, world: World, service: WriterService) -> None:
        batch = [world.command(str(n), f"a{n}@ex.org", FNAME="A") for n in range(20)]
        newer = [world.command(str(n), f"a{n}@ex.org", FNAME="B") for n in range(20)]
        service.start()
        await publish(service.stack.kafka, TOPIC, [*batch, *newer])
        await world.until(lambda: through(world, 20, 2), "everything is through", within=40)
        writes = world.writes()
        seen = len(await world.rows("select from flow.journal where step in ('unchanged', 'superseded')"))
        for _ in range(3):
            await publish(service.stack.kafka, TOPIC, [*batch, *newer])
        await world.until(lambda: _judged(world, seen + 120 - 40), "each record is judged again", within=40)
        await world.until(lambda: through(world, 20, 2), "all is quiet", within=40)
        assert world.writes() == writes


async def _judged(world: World, count: int) -> bool:
    return len(await world.rows("select from flow.journal where step in ('unchanged', 'superseded')")) >= count
