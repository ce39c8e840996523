"""Puts a service's door together: tokens from the broker, budgets in Redis and PostgreSQL, addresses from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.clock import Clock
from common.http.budget import MeteredBudget
from common.http.door import Door
from common.http.meter import Meter, open_redis
from common.http.settings import DoorSettings
from common.http.tokens import BrokerTokens
from common.metrics import Metrics
from common.state.budget_floors import BudgetFloors
from common.state.pool import Pool


@asynccontextmanager
async def open_door(settings: DoorSettings, pool: Pool, clock: Clock, metrics: Metrics) -> AsyncIterator[Door]:
    """The one way to vendors, for the life of a service."""
    redis = open_redis(settings.redis_url)
    budget = MeteredBudget(Meter(redis, clock), BudgetFloors(pool), clock, metrics=metrics)
    tokens = BrokerTokens(settings.token_broker_url, settings.service_key, clock)
    door = Door(tokens, budget, clock, settings.base_urls, settings.file_hosts, metrics=metrics)
    try:
        yield door
    finally:
        await door.aclose()
        await budget.aclose()
        await tokens.aclose()
        await redis.aclose()
