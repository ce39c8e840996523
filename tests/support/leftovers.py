"""What a test has left in its database, seen in one statement and taken away in another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

MIGRATION = 16384  # the first object id that is not the system's own

# Every table of the catalogue that is this database's own: whoever changes, adds or removes a row of it shows in the newest transaction
# or in the number of rows. Excepted are those in which emptying or counting a table's rows leaves something; `pg_class` is compared by column.
CATALOGUES = """
select string_agg(format($$select concat(%L, count(*), '/', max(xmin::text::bigint)) as seen from %s$$, relname || ' ', oid::regclass), ' union all '
                  order by relname)
from pg_class
where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r' and not relisshared
  and relname not in ('pg_class', 'pg_statistic', 'pg_statistic_ext_data', 'pg_namespace')
"""
RELATIONS = """
select md5(string_agg(concat_ws('|', oid, relname, relnamespace, reltype, reloftype, relowner, relam, relpersistence, relkind, relnatts, relchecks,
                                relrowsecurity, relforcerowsecurity, relreplident, relispartition, relacl, reloptions, relpartbound), ',' order by oid))
from pg_class where relpersistence <> 't'
"""
# A session's own schema stays when its tables are gone.
SCHEMAS = "select string_agg(concat_ws('|', oid, nspname, nspowner, nspacl), ',' order by oid) from pg_namespace where nspname !~ '^pg_(toast_)?temp_'"
ITSELF = """
select concat_ws('|', d.oid, datdba, datconnlimit, datallowconn, datistemplate, datacl,
                 (select string_agg(concat_ws('|', setrole, setconfig), ',' order by setrole) from pg_db_role_setting where setdatabase = d.oid))
from pg_database d where datname = current_database()
"""
WRITTEN = f"""
select coalesce(array_agg(oid::regclass::text order by oid), '{{}}') from pg_class
where relkind = 'r' and relpersistence <> 't' and oid >= {MIGRATION} and (pg_relation_size(oid) > 0 or reltuples >= 0)
"""
SEQUENCES = f"""
select coalesce(array_agg(concat_ws(' ', seqrelid::regclass, coalesce(pg_sequence_last_value(seqrelid), seqstart),
                                    pg_sequence_last_value(seqrelid) is not null) order by seqrelid), '{{}}')
from pg_sequence where seqrelid >= {MIGRATION}
"""
# Statistics of rows that are gone would plan for them. No table's own catalogue is so large after a hundred loans that it would be felt.
GROWN = (
    "select sum(pg_relation_size(oid)) from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'"
)
MOST_GROWN = 4 << 20
FORGET = f"delete from pg_statistic where starelid >= {MIGRATION}; delete from pg_statistic_ext_data; select pg_stat_reset();"


@dataclass(frozen=True)
class State:
    """A database as it is: what is not rows, in one text, and which tables and sequences have been used."""

    shape: str
    size: int
    written: tuple[str, ...]
    sequences: tuple[str, ...]
    seeds: tuple[tuple[str, str], ...]


@dataclass
class Leftovers:
    """Looks at one database, as its superuser."""

    link: Any

    async def state(self) -> State:
        """As the migrations left it."""
        seen = await self._seen(await self.link.fetchval(CATALOGUES), ())
        return replace(seen, seeds=tuple([(table, await self.link.fetchval(_rows(table))) for table in seen.written]))

    async def taken_away(self, fresh: State) -> bool:
        """Whether it is as `fresh` again; if not, something is another that is not rows."""
        seen = await self._seen(await self.link.fetchval(CATALOGUES), fresh.seeds)
        if seen.shape != fresh.shape or seen.size > fresh.size + MOST_GROWN:
            return False
        kept = {table for table, rows in fresh.seeds if (table, rows) in seen.seeds}
        emptied = [table for table in seen.written if table not in kept]
        await self.link.execute(
            "".join(self._steps(fresh, emptied, [one for one in fresh.sequences if one not in seen.sequences]))
        )
        return True

    async def _seen(self, catalogues: str, seeds: tuple[tuple[str, str], ...]) -> State:
        rows = "".join(f", ({_rows(table)})" for table, _ in seeds)
        found = await self.link.fetchrow(
            f"select ({RELATIONS}) || ({SCHEMAS}) || ({ITSELF}) || (select string_agg(seen, ' ') from ({catalogues}) c) as shape,"
            f" ({GROWN})::bigint as size, ({WRITTEN}) as written, ({SEQUENCES}) as sequences{rows}"
        )
        told = [(table, found[4 + at]) for at, (table, _) in enumerate(seeds)]
        return State(found["shape"], found["size"], tuple(found["written"]), tuple(found["sequences"]), tuple(told))

    def _steps(self, fresh: State, emptied: list[str], sequences: list[str]) -> list[str]:
        """In the role of a replica: no trigger forbids it, no trigger counts it."""
        steps = ["set session_replication_role = replica;", FORGET]
        steps += [f"truncate {', '.join(emptied)} cascade;"] if emptied else []
        for name, value, used in [one.split(" ") for one in sequences]:
            steps.append(f"select setval('{name}', {value}, '{used}');")
        for table, rows in fresh.seeds:
            given = f"select * from jsonb_populate_recordset(null::{table}, {_literal(rows)})"
            steps.append(f"insert into {table} overriding system value {given} where not exists (select from {table});")
        return steps


def _rows(table: str) -> str:
    return f"select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)), '[]')::text from {table} t"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
