"""A dead letter keeps the record byte for byte, is written once, and is closed by whoever dealt with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.failures import FailureClass
from common.state.dead_letters import DeadLetter, DeadLetters, LetterFilter, shortened
from common.state.open_letters import open_by_reason
from common.state.pool import Pool, close_pool, open_pool, transaction
from tests.support.database import Database

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LETTER = DeadLetter(
    group="mapper", topic="changes.x", partition=3, offset=77, recorded_at=AT, key=b"c:customer:1", value=b"\x00\xff",
    headers=(("ce_id", b"1"), ("ce_id", b"\xff\x00"), ("none", None)), service="mapper", version="1", stage="map",
    code="HANDLER_BUG", kind=FailureClass.BUG, message="words", at=AT, vendor_status=500, trace_id="a" * 32,
)  # fmt: skip


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.url("service"), name="letters", size=2)
    yield opened
    await close_pool(opened)


class TestWrite:
    async def test_keeps_every_byte(self, pool: Pool) -> None:
        empty = replace(LETTER, offset=78, key=None, value=None, headers=())
        async with transaction(pool) as tx:
            await DeadLetters(tx).write([LETTER, empty])
            found = await DeadLetters(tx).find(LetterFilter())
        assert [stored.letter for stored in found] == [LETTER, empty]
        assert [(stored.attempts, stored.first_at, stored.state) for stored in found] == [(1, AT, "open")] * 2

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(st.characters()), name=st.text(st.characters(exclude_categories=["Cs"])), body=st.binary())
    async def test_takes_any_text_and_any_bytes(self, pool: Pool, text: str, name: str, body: bytes) -> None:
        letter = replace(LETTER, key=body, value=body, headers=((name, body),), message=text, vendor_words=text)
        async with pool.acquire() as link:
            transaction_ = link.transaction()
            await transaction_.start()
            await DeadLetters(link).write([letter])
            (stored,) = await DeadLetters(link).find(LetterFilter())
            await transaction_.rollback()
        assert (stored.letter.key, stored.letter.value, stored.letter.headers) == (body, body, ((name, body),))
        assert stored.letter.message == shortened(text)

    async def test_the_same_record_again_is_one_letter_tried_twice(self, pool: Pool) -> None:
        later = replace(LETTER, at=AT + timedelta(hours=1), message="other words")
        async with transaction(pool) as tx:
            await DeadLetters(tx).write([LETTER])
            await DeadLetters(tx).write([later])
            (stored,) = await DeadLetters(tx).find(LetterFilter())
        assert (stored.attempts, stored.first_at, stored.letter.at) == (2, AT, later.at)
        assert stored.letter.message == "other words"

    async def test_a_topic_made_anew_does_not_overwrite_the_old_letter(self, pool: Pool) -> None:
        anew = replace(LETTER, recorded_at=AT + timedelta(days=1), value=b"new")
        async with transaction(pool) as tx:
            await DeadLetters(tx).write([LETTER, anew])
            assert [s.letter.value for s in await DeadLetters(tx).find(LetterFilter())] == [LETTER.value, b"new"]

    def test_a_long_reason_is_cut_between_characters(self) -> None:
        cut = shortened("\N{SNOWMAN}" * 1000)
        assert len(cut.encode()) <= 1024
        assert set(cut) == {"\N{SNOWMAN}"}


class TestClose:
    async def test_closes_what_is_open_and_says_which(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            letters = DeadLetters(tx)
            await letters.write([LETTER, replace(LETTER, offset=78)])
            first, second = [stored.id for stored in await letters.find(LetterFilter())]
            assert await letters.close([first], "discarded", by="anna", reason="spam", at=AT) == [first]
            assert await letters.close([first, second], "retried", by="anna", reason="", at=AT) == [second]
            stored = await letters.get(first, lock=True)
            assert stored is not None
            assert (stored.state, stored.closed_by, stored.close_reason, stored.closed_at) == (
                "discarded",
                "anna",
                "spam",
                AT,
            )
            assert await letters.get(0) is None
            assert await letters.find(LetterFilter()) == []

    async def test_what_fails_again_opens_again_unless_it_was_discarded(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            letters = DeadLetters(tx)
            both = [LETTER, replace(LETTER, offset=78)]
            await letters.write(both)
            retried, discarded = [stored.id for stored in await letters.find(LetterFilter())]
            await letters.close([retried], "retried", by="a", reason="", at=AT)
            await letters.close([discarded], "discarded", by="a", reason="", at=AT)
            await letters.write(both)
            assert [stored.id for stored in await letters.find(LetterFilter())] == [retried]
            assert [s.state for s in await letters.find(LetterFilter(state=None))] == ["open", "discarded"]

    async def test_the_console_closes_but_does_not_rewrite(self, pool: Pool, database: Database) -> None:
        async with transaction(pool) as tx:
            await DeadLetters(tx).write([LETTER])
        console = await open_pool(database.url("console"), name="console", size=1)
        async with transaction(console) as tx:
            (stored,) = await DeadLetters(tx).find(LetterFilter())
            assert await DeadLetters(tx).close([stored.id], "discarded", by="a", reason="", at=AT) == [stored.id]
        for statement in ("update flow.dead_letter set record_value = ''", "delete from flow.dead_letter"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with transaction(console) as tx:
                    await tx.execute(statement)
        await close_pool(console)


class TestFind:
    @pytest.mark.parametrize(
        ("wanted", "offsets"),
        [
            (LetterFilter(), [1, 2, 3]),
            (LetterFilter(code="MESSAGE_UNREADABLE"), [2]),
            (LetterFilter(topic="changes.y"), [3]),
            (LetterFilter(group="other"), []),
            (LetterFilter(key_prefix="c:customer:"), [1, 3]),
            (LetterFilter(since=AT + timedelta(hours=1)), [2]),
            (LetterFilter(until=AT + timedelta(hours=1)), [1, 3]),
        ],
    )
    async def test_by_what_a_person_knows(self, pool: Pool, wanted: LetterFilter, offsets: list[int]) -> None:
        async with transaction(pool) as tx:
            letters = DeadLetters(tx)
            await letters.write(
                [
                    replace(LETTER, offset=1),
                    replace(LETTER, offset=2, code="MESSAGE_UNREADABLE", key=b"\xff", at=AT + timedelta(hours=2)),
                    replace(LETTER, offset=3, topic="changes.y"),
                ]
            )
            assert [stored.letter.offset for stored in await letters.find(wanted)] == offsets
            assert await open_by_reason(tx) == {("mapper", "HANDLER_BUG"): 2, ("mapper", "MESSAGE_UNREADABLE"): 1}

    async def test_page_by_page(self, pool: Pool) -> None:
        async with transaction(pool) as tx:
            letters = DeadLetters(tx)
            await letters.write([replace(LETTER, offset=n) for n in range(5)])
            first = await letters.find(LetterFilter(), limit=3)
            rest = await letters.find(LetterFilter(), after=first[-1].id, limit=3)
        assert [stored.letter.offset for stored in (*first, *rest)] == [0, 1, 2, 3, 4]
