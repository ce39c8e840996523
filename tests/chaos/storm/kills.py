"""kill -9 of services and servers by the seed. What the supervisor would start again, the test starts again: servers have theirs."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass, field

from millrace.stack.home import Home
from millrace.stack.processes import Process
from millrace.stack.state import Phase, UnitState, read_state
from tests.e2e.fleet import ROAD, Replica
from tests.e2e.road import Road
from tests.support.local_stack import LocalStack

SERVICES = (*ROAD, "token-broker", "console")
SERVERS = ("kafka", "postgres", "valkey")
KILLS = 20
# How long nobody notices that a service is dead.
NOTICED_AFTER_S = 0.4
BACK_WITHIN_S = 120.0
TRY_LATER = 75
# What a service says last before it ends by itself.
_WHY = ("task_crashed", "service.crashed", "start_failed", "drain_timed_out", "consumer.failed")


def victims(seed: int) -> list[str]:
    """Who is killed, in their order: everybody once at least, the rest by chance; Kafka seldom, as it takes longest to come back."""
    chance = random.Random(f"kills:{seed}")
    every = [*SERVICES, *SERVERS]
    more = chance.choices([*ROAD, *ROAD, "token-broker", "postgres", "valkey"], k=KILLS - len(every))
    listed = [*every, *more]
    chance.shuffle(listed)
    return listed


@dataclass
class Kills:
    """Kills, and starts again."""

    road: Road
    stack: LocalStack
    done: list[str] = field(default_factory=list)
    died_alone: list[str] = field(default_factory=list)
    """Services that ended by themselves, with their last words: the storm is no reason for that."""
    _killed_at: dict[int, float] = field(default_factory=dict)
    _ended: set[Process] = field(default_factory=set)

    def kill(self, victim: str) -> None:
        """Whoever is just on the way back is left to come first."""
        if victim in SERVERS:
            self._until_up(victim)
            process = self._unit(victim).process
            assert process is not None
            self._ended.add(process)
            process.send(signal.SIGKILL)
        else:
            replica = self._ready(victim)
            replica.process.kill()
            replica.process.wait(60)
            self._killed_at[replica.process.pid] = time.monotonic()
        self.done.append(victim)

    def look_after(self) -> None:
        """Starts services that are dead, a moment later than their death."""
        now = time.monotonic()
        for name in SERVICES:
            last = self._last(name)
            last.in_service = last.in_service or (last.alive and last.answers())
            if not last.alive and now - self._killed_at.setdefault(last.process.pid, now) >= NOTICED_AFTER_S:
                self._note_end(last)
                self.road.fleet.begin(name)

    def all_back(self) -> None:
        """Until every server and every service is there again."""
        for server in SERVERS:
            self._until_up(server)
        for service in SERVICES:
            self._ready(service)

    def _note_end(self, replica: Replica) -> None:
        # Who cannot begin because the database is just dead says so, ends, and is started again; Kafka is waited for.
        if replica.process.returncode not in (-signal.SIGKILL, TRY_LATER):
            lines = replica.last_lines(400).splitlines()
            words = "\n".join([line for line in lines if any(word in line for word in _WHY)] + lines[-40:])
            self.died_alone.append(f"{replica.name} ended with {replica.process.returncode}: {words}")

    def _ready(self, name: str) -> Replica:
        deadline = time.monotonic() + BACK_WITHIN_S
        while True:
            alive = self.road.fleet.of(name)
            if alive and alive[-1].answers():
                alive[-1].in_service = True
                return alive[-1]
            assert time.monotonic() < deadline, f"{name} does not come back: {self._last(name).last_lines()}"
            self.look_after()
            time.sleep(0.05)

    def _last(self, name: str) -> Replica:
        return [one for one in self.road.fleet.replicas if one.name == name][-1]

    def _until_up(self, server: str) -> None:
        """Ready, and by another process than one that was killed."""
        deadline = time.monotonic() + BACK_WITHIN_S
        while (unit := self._unit(server)).phase is not Phase.READY or unit.process in self._ended:
            assert time.monotonic() < deadline, f"{server} does not come back: {unit}"
            time.sleep(0.05)

    def _unit(self, name: str) -> UnitState:
        state = read_state(Home(self.stack.home))
        assert state is not None
        return state.units[name]
