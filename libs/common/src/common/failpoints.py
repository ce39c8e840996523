"""Named places in the code where tests make it break: kill, raise, delay, or do the work and then raise.

Nothing happens unless MILLRACE_FAILPOINTS is set together with MILLRACE_TEST=1. The syntax, entries separated by `;`:

    name=kill | raise:ClassName | delay:SECONDS | do_then_raise[:ClassName] | report
    name=action*COUNT         only the first COUNT times (over restarts too, when a log file is named)
    name=action@NTH           only the NTH time this process passes
    name=action%PROBABILITY   by chance, from a seeded source

`*` as the name means every point. Each pass of a named point is one JSON line on stderr and in MILLRACE_FAILPOINTS_LOG.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from common.environment import ConfigurationError
from common.failpoint_actions import Action, Armed, FailPlan, parse

T = TypeVar("T")

# Every point in the code, by name, with what a break there means. A test holds this list and the code together.
POINTS: Mapping[str, str] = MappingProxyType(
    {
        "bus.before_store": "A batch is read and parsed, its transaction has not begun.",
        "bus.after_store": "A batch's transaction is committed, what comes of it is not sent.",
        "bus.before_commit": "What comes of a batch is sent, its offsets are not committed.",
        "gateway.before_produce": "A webhook is verified, its receipt is not on the topic.",
        "gateway.after_produce": "A receipt is on the topic, the vendor has no answer.",
        "normaliser.after_produce": "Change events are on the topic, the receipts' offsets are not committed.",
        "reader.after_lease": "Reads are leased, the vendor is not asked.",
        "reader.after_answer": "The vendor has answered a read, nothing of it is on the topic or stored.",
        "reader.after_produce": "A read's answer is on the topic, its request still stands.",
        "poller.after_produce": "A page's events are on the topic, its cursor is not stored.",
        "poller.after_page": "A page is stored, the next one is not asked for.",
        "channels.after_write": "A vendor was told to make, change or remove a webhook, nothing of it is stored.",
        "mapper.after_publish": "Commands are on the topic, their revisions are not marked as published.",
        "intake.after_commit": "Commands are work items, nobody was told and their offsets are not committed.",
        "executor.after_claim": "Records are leased, nothing is planned or sent.",
        "executor.after_intent": "Intents are stored, the call has not begun.",
        "executor.before_send": "The connection stands, the first byte has not left.",
        "executor.after_answer": "The vendor has answered, nothing of it is stored.",
        "executor.after_result": "The result is stored, a record's next step has not begun.",
        "deferred.after_hand_in": "The vendor has taken a deferred call, its handle is not stored.",
        "deferred.after_answer": "A deferred call's results are read, nothing of them is stored.",
        "deferred.after_result": "The results of a deferred call are stored, the call still stands.",
        "reconciler.after_page": "A page of a target's list is compared and stored, the next one is not asked for.",
        "reconciler.after_repair": "Some of what differs is handed over, the rest is not.",
        "settle.after_look": "A held record was looked at, nothing of it is stored.",
        "mapper.after_remap_page": "A page of a new mapping version is judged and stored, its commands are not sent.",
        "mapper.before_redaction_commit": "A batch of a redaction is done in its transaction, which is not committed.",
        "upkeep.after_chunk": "A chunk of old rows is gone, the next one is not begun.",
        "broker.refresh.locked": "The grant's lock is held, nothing is read yet.",
        "broker.refresh.reread": "The grant is read again under the lock, no intent is written.",
        "broker.refresh.intended": "The intent is on disk, the vendor is not asked.",
        "broker.refresh.answered": "The vendor has answered, nothing of it is on disk.",
        "broker.refresh.stored": "The new tokens are on disk, nobody has them.",
        "broker.refresh.released": "The new tokens are about to be handed out.",
        "broker.consent.exchanged": "A code is exchanged, its tokens are not on disk.",
        "broker.consent.kept": "The tokens of a consent are on disk, its places are not asked for.",
        "console.connecting.begun": "A connection's row is stored, the token-broker knows nothing of it.",
        "console.connecting.given": "The token-broker has the consent or the key, the connection does not know of it.",
        "console.connecting.tried": "A new grant was tried and works, the connection is not active.",
        "console.summary.made": "A day's summary is written in its transaction, which is not committed.",
        "console.delivery.taken": "A notification is leased to be sent, nothing of it has gone out.",
        "console.delivery.sent": "A notification was taken by its receiver, that it was sent is not stored.",
        "console.removal.marked": "A connection is marked as leaving, its grant still stands.",
        "console.removal.revoked": "The grant is revoked and erased, the connection's row still says that it is leaving.",
        "broker.rotation.rewrapped": "One data key is wrapped with the new master key, others are not.",
    }
)


class _Switches(Protocol):
    """What arming needs to know of the settings."""

    @property
    def failpoints(self) -> str: ...

    @property
    def failpoints_seed(self) -> int: ...

    @property
    def failpoints_log(self) -> Path | None: ...

    @property
    def test(self) -> bool: ...


_armed: Armed | None = None


def arm(settings: _Switches, service: str = "") -> None:
    """Reads the failpoints of the settings; refuses them outside a test and refuses names that do not exist."""
    global _armed
    _armed = None
    if not settings.failpoints:
        return
    if not settings.test:
        raise ConfigurationError(
            ["MILLRACE_FAILPOINTS is set without MILLRACE_TEST=1: unset it, it breaks on purpose."]
        )
    plans = parse(settings.failpoints, POINTS)
    _armed = Armed(plans, seed=settings.failpoints_seed, log=settings.failpoints_log, service=service)


@contextmanager
def armed(spec: str, *, seed: int = 0, log: Path | None = None) -> Iterator[Armed]:
    """Arms failpoints inside one test and disarms them after it."""
    global _armed
    before = _armed
    _armed = Armed(parse(spec, POINTS), seed=seed, log=log, service="test")
    try:
        yield _armed
    finally:
        _armed = before


async def hit(name: str) -> None:
    """A place where an asynchronous task may break."""
    if _armed is None:
        return
    plan = _armed.pass_by(name)
    if plan is not None:
        await _delay(plan)
        plan.fire(name)


def pass_(name: str) -> None:
    """A place where synchronous code may break."""
    if _armed is None:
        return
    plan = _armed.pass_by(name)
    if plan is not None:
        if plan.action is Action.DELAY:
            time.sleep(plan.seconds)
        plan.fire(name)


async def around(name: str, operation: Callable[[], Awaitable[T]]) -> T:
    """Does `operation` with a place to break before it; `do_then_raise` breaks after it, its result lost."""
    plan = None if _armed is None else _armed.pass_by(name)
    if plan is None:
        return await operation()
    if plan.action is Action.DO_THEN_RAISE:
        await operation()
    await _delay(plan)
    plan.fire(name)
    return await operation()


async def _delay(plan: FailPlan) -> None:
    if plan.action is Action.DELAY:
        await asyncio.sleep(plan.seconds)
