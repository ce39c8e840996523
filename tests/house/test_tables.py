"""Nothing grows without bound: every table of the schema is kept for a reason that is written down, or has somebody who tidies it."""

import re

from common.retention import Retention
from common.state.migration import MIGRATIONS, read_migrations
from common.state.retention import FOR_EVER, KEEPERS, WITH_ITS_SUBJECT
from tests.house.sources import ROOT
from token_broker.migrate import MIGRATIONS as VAULT
from token_broker.vault.retention import VAULT_FOR_EVER, VAULT_WITH_ITS_SUBJECT
from vendors.registry import TOPICS

# The accident: settings for retention that no line of the code ever read.
TABLE = re.compile(r"^create table (?:if not exists )?((?:core|flow|vault)\.\w+)\b(?! partition)", re.MULTILINE)
PARTITION = re.compile(r"^create table (flow\.\w+) partition of", re.MULTILINE)
DROPPED = re.compile(r"^drop table (?:if exists )?((?:core|flow|vault)\.\w+)", re.MULTILINE)
# What a promise needs (R2, R4, R7, R9, consent): no keeper may ever touch these.
NEVER = {
    "flow.work_item",
    "flow.wanted",
    "flow.record_state",
    "flow.target_owner",
    "flow.target_record",
    "flow.pair",
}
KEPT, LEAVING = {**FOR_EVER, **VAULT_FOR_EVER}, {**WITH_ITS_SUBJECT, **VAULT_WITH_ITS_SUBJECT}
ROW = re.compile(r"^\| `((?:core|flow|vault)\.\w+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def tables() -> set[str]:
    """Every table that the migrations leave behind."""
    sql = "\n".join(one.sql for folder in (MIGRATIONS, VAULT) for one in read_migrations(folder))
    made = set(TABLE.findall(sql)) | set(PARTITION.findall(sql)) | {"flow.applied_migration", "vault.applied_migration"}
    return made - set(DROPPED.findall(sql))


def registered() -> list[str]:
    return [*KEPT, *LEAVING, *(keeper.table for keeper in KEEPERS)]


def documented() -> dict[str, tuple[str, str]]:
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    return {table: (kept, what) for table, kept, what in ROW.findall(page)}


def line(table: str) -> tuple[str, str]:
    """What the page has to say of a table."""
    if table in KEPT:
        return "for ever", KEPT[table]
    if table in LEAVING:
        return "as long as it is needed", LEAVING[table]
    keeper = next(one for one in KEEPERS if one.table == table)
    return f"{keeper.days(Retention())} days (`{keeper.variable}`, {keeper.by})", keeper.what


class TestTables:
    def test_each_table_has_its_line_in_the_register(self) -> None:
        assert tables() == set(registered())

    def test_none_has_two(self) -> None:
        assert len(registered()) == len(set(registered()))

    def test_the_page_says_what_the_register_says(self) -> None:
        wanted = {table: line(table) for table in registered()}
        missing = [
            f"| `{table}` | {kept} | {what} |"
            for table, (kept, what) in wanted.items()
            if documented().get(table) != (kept, what)
        ]
        assert missing == [], "these lines belong into docs/operating.md:\n" + "\n".join(missing)
        assert set(documented()) == set(wanted)

    def test_what_a_promise_needs_has_no_keeper(self) -> None:
        assert NEVER & {keeper.table for keeper in KEEPERS} == set()

    def test_open_work_is_spared_by_name(self) -> None:
        open_ones = {"flow.write_intent": "state <> 'sent'", "flow.dead_letter": "state <> 'open'"}
        for keeper in KEEPERS:
            assert open_ones.get(keeper.table, "") in keeper.statement, keeper.table


class TestSettings:
    def test_each_setting_has_a_keeper_that_reads_it(self) -> None:
        assert {keeper.setting for keeper in KEEPERS} == set(Retention.model_fields)

    def test_intents_outlive_what_kafka_can_replay(self) -> None:
        longest = max(topic.retention.days for topic in TOPICS)
        least = next(limit.ge for limit in Retention.model_fields["intent_days"].metadata if hasattr(limit, "ge"))
        assert least > longest
