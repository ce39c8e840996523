"""Ten calls at a time per user, whatever key or token they come with; past a storm of refusals the bodies go missing."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.limits import Concurrency, Window
from sandbox.mailchimp.world import World

REFUSALS_WITHIN_S = 10.0
FORBIDDEN_EVERY = 4


@dataclass(slots=True)
class User:
    """One login: its calls in progress and its refusals of the last seconds."""

    open: Concurrency
    refusals: Window
    refused: int = 0


class Connections:
    """The meters of all users; not part of a snapshot, as no connection survives a restart."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._users: dict[str, User] = {}

    def of(self, user: str) -> User:
        if user not in self._users:
            self._users[user] = User(Concurrency(0), Window(1 << 30, REFUSALS_WITHIN_S, "rolling"))
        found = self._users[user]
        found.open.limit = self._world.switches.connections
        return found

    def enter(self, user: str) -> bool:
        return self.of(user).open.enter()

    def leave(self, user: str) -> None:
        self.of(user).open.leave()

    def refuse(self, user: str, now: float) -> int:
        """Count a refusal; 0 for the usual problem document, else the status of an answer without a body."""
        meter = self.of(user)
        meter.refusals.count(now)
        meter.refused += 1
        if meter.refusals.used(now) <= self._world.switches.empty_after_refusals:
            return 0
        return 403 if meter.refused % FORBIDDEN_EVERY == 0 else 429

    def forget_refusals(self) -> None:
        """After a reset nothing has been refused; calls in progress still are."""
        for meter in self._users.values():
            meter.refusals.clear()
            meter.refused = 0
