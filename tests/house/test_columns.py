"""Every column of the schema is written and read by somebody: a column that only looks like memory is a promise nobody keeps."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from common.state.migration import MIGRATIONS, read_migrations
from common.state.retention import KEEPERS
from tests.house.readers import docstrings, fields
from tests.house.sources import Source, product
from token_broker.migrate import MIGRATIONS as VAULT

# The accident: a hash that every intent stored and nobody ever compared.
A_PERSON = "for a person who looks with SQL"
MAY_BE_UNREAD = {
    "core.leg.mode": "read as a part of its leg, whose module is owned by the legs of syncs",
    "core.gate.set_by": A_PERSON + ": the database's role that closed it",
    "flow.quarantine.query": A_PERSON,
    "flow.quarantine.headers": A_PERSON,
    "flow.quarantine.size": A_PERSON,
    "flow.target_event.kept_at": A_PERSON,
    "flow.write_intent.body_hash": "the last release still writes it; to be dropped by the one after this",
    "vault.data_key.made_at": A_PERSON,
    "vault.ring_key.known_at": A_PERSON,
}
MAY_BE_UNWRITTEN: dict[str, str] = {
    "core.config_rev.only_row": "holds the table to one row",
    "core.summary_setting.only_row": "holds the table to one row",
    "flow.offset_era.only_row": "holds the table to one row",
    "core.notification.read_at": "the last release's upkeep names it; to be dropped by the one after this",
    "flow.work_count.slot": "a trigger writes whole rows",
}
NAME = r"((?:core|flow|vault)\.\w+)"
# Names every table: there only the statement of its keeper counts.
REGISTER = "libs/common/src/common/state/retention.py"
NO_COLUMN = {"primary", "unique", "foreign", "check", "constraint", "like", "exclude"}
BY_ITSELF = re.compile(r"\b(default|generated)\b")


@cache
def schema() -> str:
    sql = "\n".join(one.sql for folder in (MIGRATIONS, VAULT) for one in read_migrations(folder))
    return re.sub(r"--.*", "", sql)


def parts(body: str) -> Iterator[str]:
    """What stands between the commas of a table's definition."""
    depth, part = 0, ""
    for letter in body:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield part
            part = ""
        else:
            part += letter
    yield part


def columns() -> dict[str, dict[str, bool]]:
    """The columns that the migrations leave behind, and whether the database fills them by itself."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    statements = re.compile(
        rf"(create table|alter table|drop table) (?:if (?:not )?exists )?(?:only )?{NAME}(.*?);", re.S | re.I
    )
    for what, table, body in statements.findall(schema()):
        match what.lower():
            case "create table" if "partition of" not in body:
                made = (part.split(None, 1) for part in parts(body.strip().removeprefix("(")) if part.strip())
                found[table] |= {
                    one[0]: bool(BY_ITSELF.search(one[-1])) for one in made if one[0].lower() not in NO_COLUMN
                }
            case "alter table":
                alter(found[table], body)
            case "drop table":
                found.pop(table, None)
    return found


def alter(table: dict[str, bool], body: str) -> None:
    for part in parts(body):
        match part.split():
            case ["add", "column", *rest]:
                name, *kind = (
                    [word for word in rest if word not in ("if", "not", "exists")] if "exists" in rest[:3] else rest
                )
                table[name] = bool(BY_ITSELF.search(" ".join(kind)))
            case ["drop", "column", *rest]:
                table.pop(rest[-1], None)
            case ["rename", "column", old, "to", new]:
                table[new] = table.pop(old, False)
            case ["alter", "column", name, "set", "default", *_]:
                table[name] = True


@cache
def texts() -> dict[Source, list[str]]:
    """The texts of each module, without its prose."""
    found = {}
    for source in product():
        prose = docstrings(source.tree)
        nodes = (node for node in source.nodes(ast.Constant) if isinstance(node.value, str) and id(node) not in prose)
        found[source] = [node.value for node in nodes]
    return found


def spoken(table: str) -> list[str]:
    """All that is said by modules which name the table, by the classes in them, and by the database's own functions."""
    bare = table.partition(".")[2]
    modules = [source for source, said in texts().items() if any(table in one or one == bare for one in said)]
    own = [field for source in modules for node in source.nodes(ast.ClassDef) for field in fields(node)]
    # Rows go in and out of a class by the names of its fields.
    whole = f"insert into {table} ({', '.join(own)}) select {', '.join(own)}"
    bodies = re.findall(r"create (?:or replace )?function.*?\$\$.*?\$\$", schema(), re.S)
    said = [one for source in modules if source.name != REGISTER for one in texts()[source]]
    kept = [keeper.statement for keeper in KEEPERS if keeper.table == table]
    return said + kept + [one for one in bodies if table in one] + [whole]


def written_and_read(said: list[str]) -> tuple[set[str], set[str]]:
    """The words in the places where a statement writes, and all the others."""
    written: set[str] = set()
    read: set[str] = set()
    for text in said:
        lists = re.findall(r"insert into[^(]*\(([^)]*)\)", text, re.I)
        written |= {word for one in lists for word in re.findall(r"\w+", one)}
        written |= set(re.findall(r"(?:\bset|,)\s*(\w+)\s*=", text))
        if "," in text and not re.search(r"\b(select|insert|from)\b", text, re.I):
            written |= set(re.findall(r"\w+", text))
        read |= set(re.findall(r"\w+", re.sub(r"insert into[^(]*\([^)]*\)", "", text, flags=re.I)))
    return written, read


def judged() -> tuple[set[str], set[str]]:
    """The columns that nobody writes, and those that nobody reads."""
    unwritten, unread = set(), set()
    for table, names in columns().items():
        written, read = written_and_read(spoken(table))
        unwritten |= {f"{table}.{name}" for name, by_itself in names.items() if not by_itself and name not in written}
        unread |= {f"{table}.{name}" for name, _ in names.items() if name not in read}
    return unwritten, unread


class TestColumns:
    def test_each_is_written(self) -> None:
        unwritten, _ = judged()
        assert unwritten - set(MAY_BE_UNWRITTEN) == set()
        assert {name for name, why in MAY_BE_UNWRITTEN.items() if "one row" not in why} <= unwritten, (
            "an excuse that is no longer needed"
        )

    def test_each_is_read(self) -> None:
        _, unread = judged()
        assert unread - set(MAY_BE_UNREAD) - set(MAY_BE_UNWRITTEN) == set()
        assert set(MAY_BE_UNREAD) <= unread, "an excuse that is no longer needed"

    def test_the_rule_sees_the_schema(self) -> None:
        found = columns()
        assert {"sync", "entity", "record", "revision", "state", "attempts"} <= set(found["flow.work_item"])
        assert "who" in found["flow.journal"]

    def test_the_rule_tells_writing_from_reading(self) -> None:
        written, read = written_and_read(
            ["insert into flow.t (a, b) values ($1, $2)", "update flow.t set c = $1 where d = $2"]
        )
        assert {"a", "b", "c"} <= written
        assert "d" in read
        assert not {"a", "b"} & read
