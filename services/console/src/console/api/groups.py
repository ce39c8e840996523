"""The routes of consumer groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from common.api.refusal import Refusal
from console import codes
from console.api.answers import problems
from console.api.context import ApiContext
from console.api.documents import Body
from console.api.once import StoredAnswer
from console.use_cases.groups import Seek

if TYPE_CHECKING:
    from common.bus.groups import Group

Named = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,200}$", description="The group's name.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]
Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Offset = Annotated[int, Field(ge=0, le=2**62)]


class OffsetBody(Body):
    """One partition's offset, as an export holds it."""

    topic: Topic
    partition: Annotated[int, Field(ge=0, le=100_000)]
    offset: Offset


class SeekBody(Body):
    """Where a group goes on: a topic and where to, or offsets that were exported before."""

    topic: Topic | None = None
    to: Annotated[str, StringConstraints(max_length=64)] = Field(
        "", description="earliest, latest, an offset (negative: from the end), or a time (RFC 3339)."
    )
    offsets: Annotated[list[OffsetBody], Field(max_length=10_000)] = Field(default_factory=list)
    execute: bool = Field(False, description="Without it only the plan is made.")


class PartitionDocument(BaseModel):
    """How far a group is in one partition."""

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int
    lag: int


class GroupDocument(BaseModel):
    """A consumer group."""

    name: str
    state: str
    members: list[str]
    lag: int
    partitions: list[PartitionDocument]


class GroupList(BaseModel):
    """All groups that Kafka knows."""

    items: list[GroupDocument]


class MoveDocument(BaseModel):
    """One partition's offset before and after."""

    topic: str
    partition: int
    before: int | None
    after: int
    begin: int
    end: int


class SeekDocument(BaseModel):
    """A plan, or what was done; `before` of each move is the export."""

    group: str
    executed: bool
    members: list[str]
    records: int = Field(description="How many records are read again; negative: so many are passed over.")
    moves: list[MoveDocument]


def routes(context: ApiContext) -> APIRouter:
    """Everything under /groups."""
    router = APIRouter(tags=["groups"])

    @router.get("/groups", response_model=GroupList, responses=problems(503))
    async def groups() -> GroupList:
        return GroupList(items=[_group(one) for one in await context.groups.all()])

    @router.get("/groups/{group}", response_model=GroupDocument, responses=problems(404, 503))
    async def group(group: Named) -> GroupDocument:
        return _group(await context.groups.one(group))

    @router.post("/groups/{group}/seek", response_model=SeekDocument, responses=problems(404, 409, 422, 503))
    async def seek(group: Named, body: SeekBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, _seek(await _sought(context, group, body)))

        return await context.once.run(request, work)

    return router


async def _sought(context: ApiContext, group: str, body: SeekBody) -> Seek:
    if body.offsets:
        offsets = {(one.topic, one.partition): one.offset for one in body.offsets}
        return await context.groups.restore(group, offsets, execute=body.execute)
    if body.topic is None:
        raise Refusal(422, codes.API_REQUEST_INVALID, "A seek needs a topic and where to, or offsets.")
    return await context.groups.seek(group, body.topic, _target(body.to), execute=body.execute)


def _target(to: str) -> str | datetime:
    if to in ("earliest", "latest") or (to.removeprefix("-").isdigit() and to.isascii() and len(to) < 19):
        return to
    try:
        moment = datetime.fromisoformat(to)
    except ValueError as wrong:
        words = f"{to[:40]!r} is neither earliest, latest, an offset nor a time."
        raise Refusal(422, codes.API_REQUEST_INVALID, words) from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _group(one: Group) -> GroupDocument:
    partitions = [PartitionDocument(**_fields(PartitionDocument, place)) for place in one.places]
    return GroupDocument(
        name=one.name, state=one.state, members=list(one.members), lag=one.lag, partitions=partitions
    )  # fmt: skip


def _seek(done: Seek) -> SeekDocument:
    moves = [MoveDocument(**_fields(MoveDocument, move)) for move in done.moves]
    return SeekDocument(
        group=done.group, executed=done.executed, members=list(done.members), records=done.records, moves=moves
    )  # fmt: skip


def _fields(document: type[BaseModel], value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in document.model_fields}
