"""No order of events, writes, races and faults raises a member from unsubscribed, cleaned or bounced."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.writing.test_consent import hear, told
from tests.support.database import Database
from tests.support.sandbox import SandboxProcess
from tests.support.writing import World, close_world, open_world
from vendors.mailchimp.limits import HORIZON

H = HORIZON.total_seconds()
EMAILS = ("a@ex.org", "b@ex.org")
EXAMPLES = 10
MAY_NOT = ("subscribed", "pending", "transactional")

record = st.sampled_from(("1", "1", "2"))
email = st.sampled_from(EMAILS)
heard = st.sampled_from(("at once", "late", "never"))
wish = st.tuples(st.just("wish"), record, email, st.integers(0, 3))
# By an administrator: the vendor forgets that, and would let us subscribe the member again.
leaves = st.tuples(st.just("leaves"), email, st.sampled_from(("unsubscribe", "cleaned")), heard)
gone = st.tuples(st.just("gone"), record, st.sampled_from(("archive", "tag", "leave")))
returns = st.tuples(st.just("returns"), email, heard)
fault = st.tuples(st.just("fault"), st.sampled_from(("half_commit", "reset_after", "reset_before", "late_commit")))
again = st.tuples(st.just("again"), record)
# Another sync into the same audience, of the same records; and the first one switched off and on.
other = st.tuples(st.just("other"), record, email, st.integers(0, 3))
switch = st.tuples(st.just("switch"), st.sampled_from(("keep", "archive")))
kind = st.one_of(wish, leaves, gone, wish, leaves, returns, fault, again, wish, other, switch)
# Whether the writer gets to work before the next thing happens.
step = st.tuples(kind, st.sampled_from((True, True, False)))


A, B = EMAILS
LEFT = [(("wish", "1", A, 0), True), (("leaves", A, "unsubscribe", "never"), False)]
EDITED = [*LEFT, (("wish", "1", A, 1), True)]
ARCHIVED_AND_BACK = [*LEFT, (("gone", "1", "archive"), True), (("wish", "1", A, 1), True)]
MOVED_AND_BACK = [*LEFT, (("wish", "1", B, 0), True), (("wish", "1", A, 1), True)]
SHARED = [*LEFT, (("wish", "2", A, 1), True), (("gone", "1", "archive"), True), (("wish", "1", A, 2), True)]
SWITCHED = [
    *LEFT,
    (("switch", "archive"), True),
    (("other", "1", B, 1), True),
    (("switch", "keep"), True),
    (("wish", "1", A, 2), True),
]
IN_DOUBT = [
    LEFT[0],
    (("fault", "reset_after"), False),
    (("wish", "1", A, 1), False),
    (LEFT[1][0], True),
    (("again", "1"), True),
]


@dataclass
class Story:
    """What happens to two customers, three addresses and one audience."""

    world: World
    withdrawn: set[str] = field(default_factory=set)
    late: list[Any] = field(default_factory=list)
    wishes: dict[str, Any] = field(default_factory=dict)
    off: bool = False

    async def tell(self, steps: list[tuple[tuple[Any, ...], bool]]) -> None:
        for (name, *more), works in [*steps, (("late",), True)]:
            await getattr(self, f"_{name}")(*more)
            if works:
                await self._work()
            self._check()

    def _check(self) -> None:
        raised = {one: self.world.status(one) for one in self.withdrawn if self.world.status(one) in MAY_NOT}
        assert raised == {}

    async def _other(self, record: str, email: str, name: int) -> None:
        await self.world.store(self.world.command(record, email, sync="s2", FNAME=str(name), tags=[f"t{name % 2}"]))

    async def _switch(self, on_disable: str) -> None:
        """What waits in a sync that is off waits for ever, so it is done before."""
        if not self.off:
            await self._work()
        self.off = not self.off
        state = "disabled" if self.off else "active"
        await self.world.execute("update core.sync set state = $1, on_disable = $2 where id = 's1'", state, on_disable)
        self.world.advance(3)

    async def _wish(self, record: str, email: str, name: int) -> None:
        if self.off:
            return
        self.wishes[record] = self.world.command(record, email, FNAME=str(name), tags=[f"t{name % 2}"])
        await self.world.store(self.wishes[record])

    async def _gone(self, record: str, how: str) -> None:
        if self.off:
            return
        self.wishes[record] = self.world.command(record, how=how)
        await self.world.store(self.wishes[record])

    async def _again(self, record: str) -> None:
        if record in self.wishes and not self.off:
            await self.world.store(self.wishes[record])

    async def _leaves(self, email: str, action: str, heard: str) -> None:
        if self.world.status(email) not in ("subscribed", "pending"):
            return
        self.world.person(action, email, by="admin")
        self.withdrawn.add(email)
        status = {"unsubscribe": "unsubscribed", "cleaned": "cleaned"}[action]
        await self._heard(told(self.world, email, status=status, reason="manual"), heard)

    async def _returns(self, email: str, heard: str) -> None:
        if self.world.status(email) == "none":
            return
        self.withdrawn.discard(email)
        self.world.person("subscribe", email)
        self.world.advance(2)
        await self._heard(told(self.world, email, status="subscribed"), heard)

    async def _heard(self, event: Any, heard: str) -> None:
        if heard == "at once":
            await hear(self.world, event)
        elif heard == "late":
            self.late.append(event)
        self.world.advance(3)

    async def _late(self) -> None:
        if self.late:
            await hear(self.world, *reversed(self.late))
        self.late = []

    async def _fault(self, kind: str) -> None:
        more = {"seconds": 60} if kind == "late_commit" else {}
        self.world.fault(kind, "*", count=1, **more)

    async def _work(self) -> None:
        async with self.world.running(executors=2):
            await self.world.quiet("hold", "waiting")
            for _ in range(6):
                if not await self.world.rows("select from flow.work_item where state in ('hold', 'waiting')"):
                    break
                await self.world.advance_between_calls(H + 1)
                await asyncio.sleep(0.6)
                await self.world.quiet("hold", "waiting")


async def play(database: Database, sandbox: SandboxProcess, steps: list[tuple[tuple[Any, ...], bool]]) -> None:
    world = await open_world(database, sandbox)
    try:
        await Story(world).tell(steps)
    finally:
        await close_world(world)


class TestConsent:
    def test_is_never_raised(self, database: Database, mailchimp_sandbox: SandboxProcess) -> None:
        @example(EDITED)
        @example(ARCHIVED_AND_BACK)
        @example(MOVED_AND_BACK)
        @example(SHARED)
        @example(SWITCHED)
        @example(IN_DOUBT)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(st.lists(step, min_size=10, max_size=16))
        def story(steps: list[tuple[tuple[Any, ...], bool]]) -> None:
            asyncio.run(play(database, mailchimp_sandbox, steps))

        story()
