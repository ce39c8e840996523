"""Puts a writer together from its vendor and the shared parts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.clock import Clock
from common.contracts.ids import Entity
from common.http.door import Door
from common.http.outage import Outage
from common.metrics import Metrics
from common.state.pool import Pool
from vendors.target import Target
from vendors.vendor import Vendor
from writing.before_call import BeforeCall
from writing.calls import Terms
from writing.collector import Collector
from writing.company import Company
from writing.deferred_rows import DeferredRows
from writing.deferrer import Deferrer
from writing.endings import Endings
from writing.executor import Executor
from writing.facts import Facts
from writing.held import Held
from writing.judging import Judge
from writing.lease_renewer import LEASE, LeaseRenewer
from writing.lessons import Lessons
from writing.looker import Looker
from writing.parts import Parts
from writing.queue import Queue
from writing.results import Results
from writing.sender import Sender
from writing.settle import Settler
from writing.settlement import Settlement
from writing.switching import Switching
from writing.worker import Worker


@dataclass(frozen=True, slots=True)
class Writer:
    """The parts that a service runs."""

    worker: Worker
    lease_renewer: LeaseRenewer


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
    if not vendor.targets:
        raise ValueError(f"{vendor.title} is no target")
    chance = random.Random()  # noqa: S311 - jitter, no secret
    terms = Terms(vendor.profile.horizon, vendor.profile.read_lag, lease)
    figures: dict[str, Any] = {"metrics": metrics, "service": service}
    held, lease_renewer, outage = Held(pool, clock, lease), LeaseRenewer(pool, lease), Outage(pool, clock, vendor.ping)

    settlement = Settlement(pool, clock, vendor.targets, **figures, chance=chance)
    results = {
        entity: Results(pool, clock, target, terms, Judge(target, terms, chance), **figures)
        for entity, target in vendor.targets.items()
    }

    def executor(entity: Entity, target: Target) -> Executor:
        endings = Endings(pool, clock, target, **figures, chance=chance)
        before = BeforeCall(pool, clock, target, terms)
        sender = Sender(before, results[entity], outage)
        deferrer = Deferrer(pool, clock, target, terms, before, results[entity], outage)
        looker = Looker(target, endings, outage)
        return Executor(target, looker, sender, deferrer, endings, Facts(target), Lessons(pool), outage)

    parts = Parts(
        pool=pool,
        clock=clock,
        door=door,
        vendor=vendor,
        queue=Queue(pool, clock, vendor.targets, lease),
        company=Company(pool, vendor.targets),
        held=held,
        executors={entity: executor(entity, target) for entity, target in vendor.targets.items()},
        settler=Settler(pool, clock, held, vendor.targets, settlement, lease_renewer, outage),
        collector=Collector(pool, clock, vendor.targets, DeferredRows(pool, clock, results, lease_renewer, lease)),
        switching=Switching(pool, clock, vendor.name),
        lease_renewer=lease_renewer,
        outage=outage,
        at_once=at_once,
    )
    return Writer(Worker(parts), lease_renewer)
