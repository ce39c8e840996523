"""How much waits for a person is told by the console's metrics, and no longer when it is settled."""

from __future__ import annotations

import time
from collections.abc import Callable

from common.metrics import Metrics
from common.state.open_letters import OpenLetters, open_by_reason
from common.state.pool import transaction
from tests.support.broker import query
from tests.support.console import Console
from tests.support.database import Database
from tests.support.judged import judged_world

LETTER = """insert into flow.dead_letter (err_group, err_topic, err_partition, err_offset, err_service, err_version, err_stage, err_code,
                err_class, err_message, err_first_at, err_last_at, header_names, header_values, recorded_at)
            values ('g', 't', 0, $1, 'mapper', '1', 'map', 'HANDLER_BUG', 'BUG', 'm', now(), now(), '{}', '{}', now()) returning id"""
LINE = 'millrace_dead_letters_open{code="HANDLER_BUG",service="mapper"} '


class TestOpenLetters:
    async def test_are_counted_by_who_gave_up_and_why(self, database: Database) -> None:
        async with judged_world(database) as world:
            for number, (state, code) in enumerate(
                [
                    ("dead", "MC_INVALID"),
                    ("parked", "MC_INVALID"),
                    ("dead", "OTHER"),
                    ("ready", "MC_INVALID"),
                    ("done", ""),
                ]
            ):
                await world.work(str(number), state, code=code)
            await world.execute(LETTER, 1)
            metrics = Metrics()
            letters = OpenLetters(world.pool, metrics)
            await letters.count()
            async with transaction(world.pool) as tx:
                assert await open_by_reason(tx) == {
                    ("writer-mailchimp", "MC_INVALID"): 2,
                    ("writer-mailchimp", "OTHER"): 1,
                    ("mapper", "HANDLER_BUG"): 1,
                }
            await world.execute("update flow.dead_letter set state = 'retried', closed_at = now()")
            await letters.count()
            shown = metrics.exposition()[0].decode()
            assert LINE + "0.0" in shown
            assert 'millrace_dead_letters_open{code="MC_INVALID",service="writer-mailchimp"} 2.0' in shown

    def test_a_console_tells_them(self, own_console: Console) -> None:
        own_console.start()
        before = told(own_console)
        (row,) = query(own_console.world.database, LETTER, time.monotonic_ns() % 10**9)
        wait_for(lambda: told(own_console) == before + 1)
        query(
            own_console.world.database,
            "update flow.dead_letter set state = 'discarded', closed_at = now() where id = $1 returning 1",
            row["id"],
        )
        wait_for(lambda: told(own_console) == before)


def told(console: Console) -> float:
    shown = console.client.get(f"{console.url}/metrics").text.splitlines()
    return next((float(line.removeprefix(LINE)) for line in shown if line.startswith(LINE)), 0.0)


def wait_for(condition: Callable[[], bool], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
