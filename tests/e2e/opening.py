"""Opens a road as a new user would: servers, database, topics, services, connections, webhooks, one sync."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import redis

from millrace.demo import Demo, connect_books, connect_mailchimp, join_customers
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.sandbox_clients import remember_clients
from tests.e2e.background import Background, Sql
from tests.e2e.balancer import Balancer
from tests.e2e.fleet import ROAD, Fleet
from tests.e2e.road import Road
from tests.e2e.topics import Topics
from tests.e2e.vendors import Audience, Books, account
from tests.support.database import Database, Server, in_a_loop
from tests.support.local_stack import LocalStack
from tests.support.sandbox import SandboxProcess
from token_broker.migrate import migrate_vault

# A database of the session's Valkey that only the road uses.
VALKEY_DATABASE = 7
JoinStep = Callable[[Demo, Callable[[str], None]], None]
STEPS: Sequence[JoinStep] = (connect_books, connect_mailchimp, join_customers)
# What the vendor's operator may do in a test is not what its plan allows in a day.
HOOKS_PER_DAY = 100_000


@contextmanager
def opened(
    folder: Path, stack: LocalStack, server: Server, template_name: str, steps: Sequence[JoinStep] = STEPS, /, *,
    balanced: Sequence[str] = (), **more: str,
) -> Iterator[Road]:  # fmt: skip
    """A road with every service running once and nothing on it; `more` is added to the services' environment.

    Others reach the `balanced` services through a balancer, so that there may be several of them; `steps` connect the accounts.
    """
    name = f"road_{uuid.uuid4().hex[:12]}"
    database = in_a_loop(server.create(name, template=template_name))
    background = Background()
    road = None
    try:
        road = _built(folder, stack, database, background, balanced, more)
        _join(road, steps)
        yield road
    finally:
        if road is not None:
            road.end()
        background.close()
        in_a_loop(server.drop(name))


def _built(
    folder: Path, stack: LocalStack, database: Database, background: Background, balanced: Sequence[str], more: dict[str, str]
) -> Road:  # fmt: skip
    home = _home(folder, stack)
    in_a_loop(migrate_vault(database.url("broker")))
    topics = Topics(background, stack.kafka)
    if not topics.are_new():
        topics.make_anew()
    _forget_meters(stack)
    sandbox = SandboxProcess(home.root, snapshot_seconds=600).start()
    try:
        in_a_loop(remember_clients(home, sandbox.base_url))
        sandbox.post("limits", {"vendor": "zoho-books", "hooks_per_day": HOOKS_PER_DAY})
        settings, port = _settings(home, stack, database), int(sandbox.base_url.rpartition(":")[2])
        fleets: list[Fleet] = []
        fronts = {name: Balancer(background, partial(_in_service, fleets, name)).port for name in balanced}
        fleet = Fleet(home, settings, port, more, fronts)
        fleets.append(fleet)
        books, audience = Books(account(sandbox, "zoho-books")), Audience(account(sandbox, "mailchimp"), sandbox)
        road = Road(home, database, sandbox, fleet, books, audience, Sql(background, database.owner_url), topics)
    except BaseException:
        sandbox.kill()
        raise
    try:
        fleet.start("token-broker", "console")
        # The vendors look whether a webhook's address answers, so ingest comes before the sync.
        fleet.start(*ROAD)
    except BaseException:
        road.end()
        raise
    return road


def _in_service(fleets: Sequence[Fleet], name: str) -> list[int]:
    return [one.port for fleet in fleets for one in fleet.of(name) if one.in_service]


def _home(folder: Path, stack: LocalStack) -> Home:
    home = Home(folder)
    home.create()
    # The roles and their passwords belong to the server, which all roads of a session share.
    (home.secrets / "postgres").symlink_to(stack.home / "secrets/postgres")
    return home


def _forget_meters(stack: LocalStack) -> None:
    """An earlier road's clock may have been far ahead, and what it counted would block this one."""
    with redis.Redis.from_url(_valkey(stack)) as meters:
        meters.flushdb()


def _valkey(stack: LocalStack) -> str:
    return f"{stack.valkey_url.rpartition('/')[0]}/{VALKEY_DATABASE}"


def _settings(home: Home, stack: LocalStack, database: Database) -> StackSettings:
    found = StackSettings.from_environment(
        {**_clean_environment(), "MILLRACE_HOME": str(home.root), "MILLRACE_TEST": "1"}
    )
    return replace(
        found,
        database_url=database.owner_url,
        kafka_bootstrap_servers=stack.kafka,
        redis_url=_valkey(stack),
    )


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "OTEL_"))}


def _join(road: Road, steps: Sequence[JoinStep]) -> None:
    """By the console, as `millrace up` does it: a consent, an API key, and the shipped template between the two."""
    accounts: Any = road.sandbox.get("accounts")["accounts"]
    with road.console() as console:
        demo = Demo(console, accounts, time.monotonic() + 150)
        for step in steps:
            step(demo, lambda _: None)
    # Reading and preparing both accounts has used some of the vendors' minute; the tests begin with a fresh one.
    road.advance(61)
    # Else the first reading of the source would tell of what a test has just entered, by a trace of its own.
    road.until(lambda: road.sql.value(_ALL_READ), "every source has been read", every=0.1)


# Deals, shares of payments and what audiences tell of a customer are records that nobody lists: others tell of them.
_ALL_READ = """
select not exists (
    select from core.leg l join core.sync s on s.id = l.sync join core.connection c on c.id = l.source_connection
     where s.state = 'active' and (c.vendor, l.source_entity) not in (
           ('zoho-books', 'deal'), ('zoho-books', 'invoice_payment'), ('quickbooks', 'customer_activity')) and not exists (
           select from flow.poll p
            where (p.connection, p.place) = (l.source_connection, l.source_place) and p.whole_at is not null
              -- Contact persons are told by their customers (decision 68).
              and p.entity = case when (c.vendor, l.source_entity) = ('zoho-books', 'person') then 'customer' else l.source_entity end))
"""


def mapping_changed(road: Road, change: Callable[[dict[str, Any]], None]) -> int:
    """A new version of the sync's mapping, active at once; its number."""
    stored = road.sql.rows(
        "select m.sync, m.leg, m.version, m.definition from core.leg l join core.mapping_version m "
        "on (m.sync, m.leg, m.version) = (l.sync, l.name, l.mapping_version)"
    )[0]
    definition, version = stored["definition"], stored["version"] + 1
    change(definition)
    road.sql.execute(
        "insert into core.mapping_version (sync, leg, version, definition, created_at) values ($1, $2, $3, $4, now())",
        stored["sync"], stored["leg"], version, definition,
    )  # fmt: skip
    road.sql.execute("update core.leg set mapping_version = $2 where sync = $1", stored["sync"], version)
    road.sql.execute("update core.sync set mapping_version = $2 where id = $1", stored["sync"], version)
    return int(version)
