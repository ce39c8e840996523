"""Puts a writer together from its vendor and the shared parts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from common.clock import Clock
from common.http.door import Door
from common.metrics import Metrics
from common.state.pool import Pool
from vendors.vendor import Vendor
from writing.executor import Executor
from writing.facts import Facts
from writing.heartbeat import LEASE, Heartbeat
from writing.queue import Queue
from writing.results import Results, Terms
from writing.settle import Settler
from writing.switching import Switching
from writing.worker import Parts, Worker


@dataclass(frozen=True, slots=True)
class Writer:
    """The parts that a service runs."""

    worker: Worker
    heartbeat: Heartbeat


def assemble(
    vendor: Vendor,
    pool: Pool,
    clock: Clock,
    door: Door,
    metrics: Metrics,
    *,
    service: str,
    at_once: int,
    lease: timedelta = LEASE,
) -> Writer:
    """A writer for one vendor; raises when the vendor is no target."""
    target = vendor.target
    if target is None:
        raise ValueError(f"{vendor.title} is no target")
    chance = random.Random()  # noqa: S311 - jitter, no secret
    terms = Terms(vendor.profile.horizon, lease)
    queue = Queue(pool, clock, lease)
    results = Results(pool, clock, target, terms, metrics=metrics, service=service, chance=chance)
    heartbeat = Heartbeat(pool, lease)
    parts = Parts(
        pool=pool,
        clock=clock,
        door=door,
        vendor=vendor,
        target=target,
        queue=queue,
        executor=Executor(target, results, Facts(target)),
        settler=Settler(pool, clock, queue, target, chance),
        switching=Switching(pool, clock, vendor.name),
        heartbeat=heartbeat,
        at_once=at_once,
    )
    return Writer(Worker(parts), heartbeat)
