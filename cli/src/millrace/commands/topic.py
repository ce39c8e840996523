"""`millrace topic`: what the topics are, what is on them, and what comes."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.kafka_address import kafka_address
from millrace.moments import moment
from millrace.terminal import note

if TYPE_CHECKING:
    from common.bus.reading import ReadFrom, WantedRecords
    from common.bus.record import RawRecord

T = TypeVar("T")

app = typer.Typer(name="topic", help="Topics: what they are, what is on them, what comes.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The topic, for example changes.zoho-books.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document; records as one object a line.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data too.")]
Key = Annotated[str | None, typer.Option("--key", help="Only records whose key begins so.")]
Partition = Annotated[int | None, typer.Option("--partition", "-p", min=0, help="Only this partition.")]
Offset = Annotated[
    str,
    typer.Option("--offset", help="Where to begin in each partition: earliest, latest, a number, or -N from the end."),
]
From = Annotated[str | None, typer.Option("--from", help="Begin at this time: ISO, or 15m, 2h, 7d ago.")]
To = Annotated[str | None, typer.Option("--to", help="End before this time.")]
Count = Annotated[int, typer.Option("--count", "-n", min=0, help="At most so many records; 0 is no limit.")]


class TopicLook(NamedTuple):
    """How records are shown."""

    as_json: bool
    unmask: bool


@app.command("list")
def list_topics(as_json: AsJson = False) -> None:
    """List the declared topics with what the broker holds of them.

    Examples: millrace topic list; millrace topic list --json | jq '.[].name'
    """
    rows = _run(_listed())
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        held = f"{row['records']:>9} records" if row["exists"] else "is not on the broker"
        typer.echo(f"{row['name']:<24} {held}  {row['meaning']}")


@app.command()
def describe(name: Name, as_json: AsJson = False) -> None:
    """Describe a topic: declaration, settings, partitions.

    Examples: millrace topic describe changes.zoho-books; millrace topic describe commands.mailchimp --json
    """
    found = _run(_described(name))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for label in ("name", "meaning", "message", "key", "retention_days", "replicas"):
        typer.echo(f"{label:<15} {found[label] if found[label] is not None else '(not declared)'}")
    for held in found["partitions"]:
        typer.echo(f"partition {held['partition']:>3}   {held['begin']:>10} to {held['end']:>10}")


@app.command()
def read(
    name: Name,
    offset: Offset = "earliest",
    since: From = None,
    to: To = None,
    count: Count = 20,
    key: Key = None,
    partition: Partition = None,
    as_json: AsJson = False,
    unmask: Unmask = False,
) -> None:
    """Read records that are there; ends where the topic ended when it began.

    Examples: millrace topic read changes.zoho-books --from 15m; millrace topic read commands.mailchimp --offset -5 --json
    """
    from common.bus.reading import WantedRecords

    now = datetime.now(UTC)
    start = _start(offset, since, now)
    until = moment(to, now) if to else None
    wanted = WantedRecords(partition, until, (key or "").encode(), each=count)
    shown = _run(_read(name, start, wanted, count, TopicLook(as_json, unmask)))
    if shown == count and count:
        note(f"{count} records shown; --count 0 shows all.")


@app.command()
def tail(
    name: Name,
    count: Count = 0,
    key: Key = None,
    partition: Partition = None,
    as_json: AsJson = False,
    unmask: Unmask = False,
) -> None:
    """Show records as they come, until interrupted or until there were --count of them.

    Examples: millrace topic tail changes.zoho-books; millrace topic tail receipts.mailchimp --json --count 1
    """
    from common.bus.reading import WantedRecords

    _run(_tail(name, WantedRecords(partition, None, (key or "").encode()), count, TopicLook(as_json, unmask)))


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document of all topics.

    Examples: millrace topic asyncapi > asyncapi.json
    """
    from common.contracts.schemas import asyncapi as document
    from common.version import version
    from vendors.registry import TOPICS

    typer.echo(json.dumps(document(version(), TOPICS), indent=2))


async def _listed() -> list[dict[str, Any]]:
    from common.bus.reading import NoSuchTopic, bounds
    from vendors.registry import TOPICS

    address, rows = kafka_address(), []
    for topic in TOPICS:
        try:
            held: list[Any] | None = await bounds(address, topic.name)
        except NoSuchTopic:
            held = None
        rows.append(
            {
                "name": topic.name,
                "exists": held is not None,
                "records": sum(one.end - one.begin for one in held or ()),
                "partitions": topic.partitions,
                "message": topic.message.__name__,
                "key": topic.key,
                "retention_days": topic.retention.days,
                "meaning": topic.meaning,
            }
        )
    return rows


async def _described(name: str) -> dict[str, Any]:
    from common.bus.reading import bounds
    from common.bus.topics_admin import topic_states
    from vendors.registry import TOPICS

    address = kafka_address()
    held = await bounds(address, name)
    state = (await topic_states(address, [name]))[name]
    topic = next((one for one in TOPICS if one.name == name), None)
    return {
        "name": name,
        "meaning": topic.meaning if topic else None,
        "message": topic.message.__name__ if topic else None,
        "key": topic.key if topic else None,
        "retention_days": int(state.config["retention.ms"]) / 86_400_000,
        "replicas": state.replicas,
        "partitions": [{"partition": one.partition, "begin": one.begin, "end": one.end} for one in held],
        "config": dict(sorted(state.config.items())),
    }


async def _read(name: str, start: ReadFrom, wanted: WantedRecords, count: int, look: TopicLook) -> int:
    from common.bus.reading import read as records_of

    records = records_of(kafka_address(), name, start, wanted)
    if not count:
        return await _show_all(records, 0, look)
    oldest = await _oldest(records, count)
    for record in oldest:
        _show(record, look)
    return len(oldest)


async def _tail(name: str, wanted: WantedRecords, count: int, look: TopicLook) -> None:
    from common.bus.reading import ReadFrom
    from common.bus.reading import read as records_of

    await _show_all(records_of(kafka_address(), name, ReadFrom(at_end=True), wanted, follow=True), count, look)


async def _oldest(records: AsyncIterator[RawRecord], count: int) -> list[RawRecord]:
    """The oldest of all partitions together, each partition in its own order."""
    by_partition: dict[int, list[RawRecord]] = {}
    async for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    merged = heapq.merge(*by_partition.values(), key=lambda record: record.timestamp)
    return list(itertools.islice(merged, count))


async def _show_all(records: AsyncIterator[RawRecord], count: int, look: TopicLook) -> int:
    shown = 0
    async for record in records:
        _show(record, look)
        shown += 1
        if shown == count:
            break
    return shown


def _show(record: RawRecord, look: TopicLook) -> None:
    from common.bus.shown import shown

    seen = shown(record, unmask=look.unmask)
    if look.as_json:
        typer.echo(json.dumps(seen))
        return
    headers = dict(seen["headers"])
    typer.echo(f"{seen['time']}  {record.partition}@{record.offset}  {seen['key']}  {headers.get('ce_type') or ''}")
    typer.echo(f"    {json.dumps(seen['value'], ensure_ascii=False)}")


def _start(offset: str, since: str | None, now: datetime) -> ReadFrom:
    from common.bus.reading import ReadFrom

    if since:
        return ReadFrom(time=moment(since, now))
    if offset in ("earliest", "latest"):
        return ReadFrom(at_end=offset == "latest")
    try:
        return ReadFrom(offset=int(offset))
    except ValueError as wrong:
        raise CommandError(
            f"{offset} is no offset.", "Write earliest, latest, a number, or -N for the last N.", ExitCode.USAGE
        ) from wrong


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work; what the broker says becomes one sentence and an exit code."""
    from aiokafka.errors import KafkaError

    from common.bus.reading import NoSuchTopic

    # What went wrong is said once, by us.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except NoSuchTopic as missing:
        raise CommandError(str(missing), "See `millrace topic list`.", ExitCode.NOT_FOUND) from missing
    except (KafkaError, OSError, TimeoutError) as away:
        raise CommandError(
            f"Kafka does not answer: {type(away).__name__}.", "See `millrace status`.", ExitCode.UNREACHABLE
        ) from away
