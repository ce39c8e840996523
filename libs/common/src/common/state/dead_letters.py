"""The table of dead letters: records that could not be handled, byte for byte, until a person or a retry closes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from common.failures import FailureClass
from common.state.pool import DbConnection
from common.state.storable import storable_text

Stage = Literal["verify", "normalise", "map", "dedupe", "token", "write", "audit"]
State = Literal["open", "retried", "discarded"]

MESSAGE_BYTES = 1024
NO_PARTITION = -1
"""Of a letter that never was on its topic: sent again, it goes to the partition of its key; its offset is a number of its own."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record with its reason; `key`, `value` and `headers` are exactly what the topic held."""

    group: str
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    service: str
    version: str
    stage: Stage
    code: str
    kind: FailureClass
    message: str
    at: datetime
    vendor_status: int | None = None
    vendor_code: str = ""
    vendor_words: str = ""
    vendor_request_id: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter as the table has it, with what became of it."""

    id: int
    letter: DeadLetter
    attempts: int
    first_at: datetime
    state: State
    closed_at: datetime | None
    closed_by: str
    close_reason: str


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters a person asks for; an empty field asks nothing."""

    state: State | None = "open"
    topic: str | None = None
    group: str | None = None
    code: str | None = None
    key_prefix: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    most_id: int | None = None


class DeadLetters:
    """Dead letters over one connection, inside whatever transaction it is in."""

    def __init__(self, link: DbConnection) -> None:
        self._link = link

    async def write(self, letters: Sequence[DeadLetter]) -> None:
        """Stores letters; repeatable by (group, topic, partition, offset, record time): a repeat counts one more attempt.

        A letter that a person discarded stays discarded; one that was retried opens again.
        """
        if letters:
            await self._link.executemany(_WRITE, [_row(letter) for letter in letters])

    async def as_before(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """The letters, each with the record time of the one that stands for it: written, they count that one up.

        One that was discarded stands for nothing: whoever asks again afterwards wants to hear of it.
        """
        rows = await self._link.fetch(
            _BEFORE,
            [letter.group for letter in letters],
            [letter.topic for letter in letters],
            [letter.partition for letter in letters],
            [letter.offset for letter in letters],
        )
        return [replace(one, recorded_at=row["at"] or one.recorded_at) for one, row in zip(letters, rows, strict=True)]

    async def find(self, wanted: LetterFilter, *, after: int = 0, limit: int = 100) -> list[StoredLetter]:
        """Letters in the order in which they were written, from the one after `after`."""
        where, values = conditions(wanted, 2)
        rows = await self._link.fetch(f"{_SELECT} where id > $1 {where} order by id limit $2", after, limit, *values)
        return [_stored(row) for row in rows]

    async def newest(
        self, wanted: LetterFilter, *, before: tuple[datetime, int] | None = None, limit: int = 100
    ) -> list[StoredLetter]:
        """The ones that failed last first, from the one after `before`."""
        where, values = conditions(wanted, 2)
        at, id = before or (_NEVER, 0)
        rows = await self._link.fetch(
            f"{_SELECT} where (err_last_at, id) < ($1, $2) {where} order by err_last_at desc, id desc limit {limit:d}",
            at,
            id,
            *values,
        )
        return [_stored(row) for row in rows]

    async def count(self, wanted: LetterFilter, most: int) -> int:
        """How many there are; who has more than `most` is not counted further."""
        where, values = conditions(wanted, 2)
        found: int = await self._link.fetchval(
            f"select count(*) from (select 1 from flow.dead_letter where id > $1 {where} limit $2) as counted",  # noqa: S608
            0,
            most,
            *values,
        )
        return found

    async def last_id(self) -> int:
        """The newest letter's; 0 without one."""
        found: int = await self._link.fetchval("select coalesce(max(id), 0) from flow.dead_letter")
        return found

    async def get(self, letter_id: int, *, lock: bool = False) -> StoredLetter | None:
        """One letter; locked, it stays as it is until the transaction ends, so that two retries do not both send it."""
        row = await self._link.fetchrow(_GET + " for update" if lock else _GET, letter_id)
        return _stored(row) if row is not None else None

    async def close(
        self, ids: Sequence[int], state: Literal["retried", "discarded"], *, by: str, reason: str, at: datetime
    ) -> list[int]:
        """Closes the open ones among the letters named and returns their ids; the others are left as they are."""
        rows = await self._link.fetch(_CLOSE, list(ids), state, at, storable_text(by), storable_text(reason))
        return [row["id"] for row in rows]


def shortened(message: str) -> str:
    """At most a kibibyte of storable text, cut between characters."""
    return storable_text(message).encode()[:MESSAGE_BYTES].decode(errors="ignore")


_COLUMNS = (
    "err_group, err_topic, err_partition, err_offset, recorded_at, record_key, record_value, header_names, header_values, "
    "err_service, err_version, err_stage, err_code, err_class, err_message, err_last_at, err_vendor_status, err_vendor_code, "
    "err_vendor_words, err_vendor_request_id, trace_id"
)

_WRITE = f"""
insert into flow.dead_letter as letter ({_COLUMNS}, err_first_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $16)
on conflict (err_group, err_topic, err_partition, err_offset, recorded_at) do update set
    err_attempts = letter.err_attempts + 1,
    err_service = excluded.err_service, err_version = excluded.err_version, err_stage = excluded.err_stage,
    err_code = excluded.err_code, err_class = excluded.err_class, err_message = excluded.err_message,
    err_last_at = excluded.err_last_at, err_vendor_status = excluded.err_vendor_status,
    err_vendor_code = excluded.err_vendor_code, err_vendor_words = excluded.err_vendor_words,
    err_vendor_request_id = excluded.err_vendor_request_id, trace_id = excluded.trace_id,
    state = case letter.state when 'discarded' then 'discarded' else 'open' end,
    closed_at = case letter.state when 'discarded' then letter.closed_at end,
    closed_by = case letter.state when 'discarded' then letter.closed_by else '' end,
    close_reason = case letter.state when 'discarded' then letter.close_reason else '' end
"""  # noqa: S608

_BEFORE = """
select (select max(l.recorded_at) from flow.dead_letter l
         where (l.err_group, l.err_topic, l.err_partition, l.err_offset) = (n.g, n.t, n.p, n.o) and l.state <> 'discarded') as at
  from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) with ordinality as n(g, t, p, o, place)
 order by n.place
"""

_SELECT = f"""
select id, {_COLUMNS}, err_attempts, err_first_at, state, closed_at, closed_by, close_reason from flow.dead_letter
"""  # noqa: S608

_GET = _SELECT + " where id = $1"

_NEVER = datetime.max.replace(tzinfo=UTC)

_CLOSE = """
update flow.dead_letter set state = $2, closed_at = $3, closed_by = $4, close_reason = $5
where id = any($1) and state = 'open' returning id
"""


def conditions(wanted: LetterFilter, taken: int) -> tuple[str, list[object]]:
    """Only what was asked stands in the statement, the state as a word, so that the server finds the index of the open
    ones; `taken` placeholders are in use."""
    asked = {
        "err_topic = {}": wanted.topic,
        "err_group = {}": wanted.group,
        "err_code = {}": wanted.code,
        "substring(record_key for 200) >= {}": _begins(wanted.key_prefix),
        "substring(record_key for 200) < {}": _ends(wanted.key_prefix),
        "err_last_at >= {}": wanted.since,
        "err_last_at < {}": wanted.until,
        "id <= {}": wanted.most_id,
    }
    said = [(words, value) for words, value in asked.items() if value is not None]
    texts = [words.format(f"${number}") for number, (words, _) in enumerate(said, start=taken + 1)]
    if wanted.state is not None:
        texts.append(f"state = '{wanted.state}'")
    return "".join(f" and {text}" for text in texts), [value for _, value in said]


def _begins(prefix: str | None) -> bytes | None:
    return prefix.encode()[:200] if prefix else None


def _ends(prefix: str | None) -> bytes | None:
    """The first key behind all that begin so; UTF-8 has no byte 255."""
    begins = _begins(prefix)
    return begins[:-1] + bytes([begins[-1] + 1]) if begins else None


def _row(letter: DeadLetter) -> tuple[object, ...]:
    return (
        letter.group,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.recorded_at,
        letter.key,
        letter.value,
        [name.encode("utf-8", "surrogateescape") for name, _ in letter.headers],
        [value for _, value in letter.headers],
        letter.service,
        letter.version,
        letter.stage,
        letter.code,
        letter.kind.value,
        shortened(letter.message),
        letter.at,
        letter.vendor_status,
        storable_text(letter.vendor_code),
        storable_text(letter.vendor_words),
        storable_text(letter.vendor_request_id),
        letter.trace_id,
    )


def _stored(row: Any) -> StoredLetter:
    names = (raw.decode("utf-8", "surrogateescape") for raw in row["header_names"])
    letter = DeadLetter(
        group=row["err_group"],
        topic=row["err_topic"],
        partition=row["err_partition"],
        offset=row["err_offset"],
        recorded_at=row["recorded_at"],
        key=row["record_key"],
        value=row["record_value"],
        headers=tuple(zip(names, row["header_values"], strict=True)),
        service=row["err_service"],
        version=row["err_version"],
        stage=row["err_stage"],
        code=row["err_code"],
        kind=FailureClass(row["err_class"]),
        message=row["err_message"],
        at=row["err_last_at"],
        vendor_status=row["err_vendor_status"],
        vendor_code=row["err_vendor_code"],
        vendor_words=row["err_vendor_words"],
        vendor_request_id=row["err_vendor_request_id"],
        trace_id=row["trace_id"],
    )
    return StoredLetter(
        id=row["id"],
        letter=letter,
        attempts=row["err_attempts"],
        first_at=row["err_first_at"],
        state=row["state"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        close_reason=row["close_reason"],
    )
