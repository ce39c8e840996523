"""A plan that the server made while a sync was young still looks each record up when the sync has grown; nobody has counted its rows yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from tests.support.database import Database
from writing import owners, past, read_again

GROWN = 5000
BATCH = 50
KEYS = "text[], text[], text[], text[]"


def column(prefix: str, *, counted: bool = True) -> str:
    return "array[" + ", ".join(f"'{prefix}{n if counted else ''}'" for n in range(1, BATCH + 1)) + "]"


SAME = {name: column(name, counted=False) for name in ("s0", "customer", "acc", "place", "member", "source")}
STATEMENTS = {
    "living": (owners._LIVING, KEYS, (SAME["acc"], SAME["place"], SAME["member"], column("k"))),
    "past": (
        past._PAST, f"{KEYS}, text[], text",
        (SAME["s0"], SAME["customer"], column("r"), SAME["source"], SAME["member"], "'v'"),
    ),
    "still so": (
        read_again._STILL_SO, f"{KEYS}, text[], text[], bigint[], jsonb[], text",
        (SAME["s0"], SAME["customer"], column("r"), SAME["source"], SAME["acc"], SAME["place"],
         f"array_fill(1::bigint, array[{BATCH}])", f"array_fill('{{}}'::jsonb, array[{BATCH}])", "'release'"),
    ),
    "elsewhere": (
        past._ELSEWHERE, f"{KEYS}, text[], text[], text[]",
        (SAME["s0"], SAME["customer"], column("r"), SAME["acc"], SAME["place"], SAME["member"], column("k")),
    ),
}  # fmt: skip


async def grow(link: Any, first: int, last: int) -> None:
    """Owners and what is known of their targets; the rows that they hang on are of no interest here."""
    await link.execute(
        "insert into flow.target_owner (account, place, target_entity, key, source_account, sync, entity, record, standing, since)"
        " select 'acc', 'place', 'member', 'k' || n, 'source', 's0', 'customer', 'r' || n, 'live', now() from generate_series($1::int, $2::int) n",
        first, last,
    )  # fmt: skip
    await link.execute(
        "insert into flow.target_record (account, place, target_entity, key, present, changed_at)"
        " select 'acc', 'place', 'member', 'k' || n, true, now() from generate_series($1::int, $2::int) n",
        first, last,
    )  # fmt: skip
    await link.execute(
        "insert into flow.work_item (sync, entity, record, source, connection, place, revision, wish, document, mapping_version, target_entity,"
        " target_key, lane, priority, happened_at, state, due_at, outcome, ended_by, received_at, changed_at)"
        " select 's0', 'customer', 'r' || n, 'source', 'acc', 'place', 1, 'present', '{}', 1, 'member', 'k' || n, 'live', 0, now(), 'done', now(),"
        " 'added', 'release', now(), now() from generate_series($1::int, $2::int) n",
        first, last,
    )  # fmt: skip


def most_read(node: Mapping[str, Any]) -> float:
    """The most rows that one node of a plan has looked at, all its turns together."""
    looked = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return max([looked * node["Actual Loops"], *map(most_read, node.get("Plans", []))])


@pytest.mark.parametrize("name", STATEMENTS)
async def test_look_each_record_up(database: Database, name: str) -> None:
    statement, types, values = STATEMENTS[name]
    link: Any = await asyncpg.connect(database.server.url("admin", database.name))
    undone = link.transaction()
    await undone.start()
    await link.execute("set session_replication_role = replica")
    await link.execute(
        "insert into core.connection (id, vendor, name, state, account, created_at, updated_at) values ('acc', 'v', 'acc', 'active', 'acc', now(), now())"
    )
    await link.execute(
        "insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity) values ('s0', 'customer', 'a', 'customer', 'acc', 'member')"
    )
    await link.execute(
        "insert into core.sync (id, name, template, source_connection, target_connection, state, created_at, updated_at)"
        " values ('s0', 's0', 't', 'a', 'acc', 'active', now(), now())"
    )
    await grow(link, 1, 20)
    await link.execute("set plan_cache_mode = force_generic_plan")
    await link.execute(f"prepare young({types}) as {statement}")
    await link.execute(f"execute young({', '.join(values)})")
    await grow(link, 21, GROWN)
    told = await link.fetchval(f"explain (analyze, format json) execute young({', '.join(values)})")
    await undone.rollback()
    await link.close()
    (found,) = json.loads(told)
    assert most_read(found["Plan"]) <= 4 * BATCH, json.dumps(found["Plan"], indent=1)
