"""Opens a road as a new user would: servers, database, topics, services, connections, webhooks, one sync."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import redis

from common.http.call import Call, VendorAnswer
from common.state.definitions import to_jsonb
from mapper.mapping.definitions import read_definition, template
from millrace.api_client import TOKEN_FILE, Address, ApiClient
from millrace.demo import BOOKS, MAILCHIMP, Demo, connect_books, connect_mailchimp
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.sandbox_clients import remember_clients
from millrace.stack.secrets import secret_of
from tests.e2e.background import Background, Sql
from tests.e2e.balancer import Balancer
from tests.e2e.fleet import ROAD, Fleet
from tests.e2e.road import SYNC, Road
from tests.e2e.topics import Topics
from tests.e2e.vendors import Audience, Books, account
from tests.support.database import Database, Server, in_a_loop
from tests.support.local_stack import LocalStack
from tests.support.sandbox import SandboxProcess
from token_broker.migrate import migrate_vault
from vendors import mailchimp
from vendors.vendor import connection_of, stored_catalogue

# A database of the session's Valkey that only the road uses.
VALKEY_DATABASE = 7
BOOKS_SECRET = "RoadTestSecret1234567"
# What the vendor's operator may do in a test is not what its plan allows in a day.
HOOKS_PER_DAY = 100_000


@contextmanager
def opened(
    folder: Path, stack: LocalStack, server: Server, template_name: str, *, balanced: Sequence[str] = (), **more: str
) -> Iterator[Road]:  # fmt: skip
    """A road with every service running once and nothing on it; `more` is added to the services' environment.

    Others reach the `balanced` services through a balancer, so that there may be several of them.
    """
    name = f"road_{uuid.uuid4().hex[:12]}"
    database = in_a_loop(server.create(name, template=template_name))
    background = Background()
    road = None
    try:
        road = _built(folder, stack, database, background, balanced, more)
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
        _connect(road)
        _register_hooks(road)
        _make_sync(road)
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


def _connect(road: Road) -> None:
    """By the console, as `millrace up` does it: consent for Books, an API key for Mailchimp."""
    road.fleet.start("token-broker", "console")
    address = Address(road.fleet.one("console").url, secret_of(road.home, TOKEN_FILE))
    accounts: Any = road.sandbox.get("accounts")["accounts"]
    with ApiClient(address) as console:
        demo = Demo(console, accounts, time.monotonic() + 60)
        connect_books(demo, lambda _: None)
        connect_mailchimp(demo, lambda _: None)
        found = {name: demo.connection(name) for name in (BOOKS, MAILCHIMP)}
    road.connections = {name: str(one["id"]) for name, one in found.items() if one is not None}


def _register_hooks(road: Road) -> None:
    """What ingest will do by itself: hooks at the vendors, their secrets at the broker."""
    ingest = f"http://127.0.0.1:{road.fleet.port('ingest')}/hooks"
    books = f"{ingest}/zoho-books/{road.connections[BOOKS]}"
    _put_secret(road, BOOKS, "zoho-books", BOOKS_SECRET)
    for event in ("changed", "deleted"):
        road.books.hook_registered(books, event, BOOKS_SECRET)


def _put_secret(road: Road, connection: str, vendor: str, secret: str) -> None:
    broker = road.fleet.one("token-broker").url
    headers = {"authorization": f"Bearer {secret_of(road.home, 'console.key')}"}
    url = f"{broker}/v1/webhook-secrets/{road.connections[connection]}"
    httpx.put(url, json={"vendor": vendor, "secret": secret}, headers=headers, trust_env=False).raise_for_status()


def _make_sync(road: Road) -> None:
    """The shipped template between the two connections, its new fields made in the audience."""
    shipped = template("zoho-books-to-mailchimp")
    for row in shipped["rows"]:
        if row.get("new_field"):
            road.audience.field_made(row["target"].removeprefix("merge."), row["new_field"])
    road.sql.execute(
        """
        insert into core.sync (id, name, template, entity, source_connection, target_connection, place, state, mapping_version,
                               created_at, updated_at)
        values ($1, $1, $2, 'customer', $3, $4, $5, 'active', 1, now(), now())
        """,
        SYNC, shipped["name"], road.connections[BOOKS], road.connections[MAILCHIMP], road.audience.id,
    )  # fmt: skip
    mapping_changed(road, 1, shipped)


def mapping_changed(road: Road, version: int, written: Mapping[str, Any]) -> None:
    """A new version of the sync's mapping, active at once."""
    definition = replace(read_definition(version, written), catalogue=tuple(_catalogue(road)))
    road.sql.execute(
        "insert into core.mapping_version (sync, version, definition, created_at) values ($1, $2, $3, now())",
        SYNC, version, to_jsonb(definition),
    )  # fmt: skip
    road.sql.execute("update core.sync set mapping_version = $2 where id = $1", SYNC, version)


def _catalogue(road: Road) -> list[dict[str, Any]]:
    """The audience's own fields, as the console keeps them with a mapping."""
    target = mailchimp.VENDOR.target
    assert target is not None
    connection = connection_of(mailchimp.VENDOR.name, road.connections[MAILCHIMP])
    read = target.catalogue(connection, road.audience.id, _AsOperator(road.audience))
    return stored_catalogue(in_a_loop(read))


class _AsOperator:
    """Reads of the target's own code, made with the operator's token."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    async def call(self, call: Call) -> VendorAnswer:
        path = call.template.format(**call.path)
        answer = await asyncio.to_thread(self._audience.call, call.method, path, params=dict(call.query))
        return VendorAnswer(answer.status_code, {}, answer.content, datetime.now(UTC), "", 0.0)
