"""From a sync as a person writes it to a checked one: template, connections and every leg, all by reading only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.contracts.ids import VendorName
from common.contracts.syncs import Leg
from common.http.door import Door
from common.state import pool as state
from console import sync_codes
from console.state import connections as connection_rows
from console.state import custom_fields
from console.state.connections import ConnectionRow
from console.use_cases.account_legs import absent, left_out, of_account
from console.use_cases.leg_drafting import DraftLeg, End, draft_leg
from console.use_cases.problems import problem, refuse_if_any
from console.use_cases.remembered_reads import RememberedReads
from console.use_cases.wishes import SyncWish, WrittenLeg, placed, written_legs
from mapper.mapping.definitions import source_vendors, template
from mapper.mapping.problems import MappingInvalid, Problem
from vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Draft:
    """A sync that was held against both accounts."""

    source: End
    target: End
    legs: tuple[DraftLeg, ...]
    left_out: Sequence[str] = ()
    """What of its template the account does not get, in words."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Legs of its template that the account does not get, each with what it lacks, if anything."""

    @property
    def notes(self) -> list[str]:
        remarks = dict.fromkeys(remark for leg in self.legs for remark in leg.remarks)
        return [*remarks, *self.left_out, *(note for leg in self.legs for note in leg.notes)]

    def running(self, sync: str) -> dict[str, Leg]:
        """Its legs as they run, by name."""
        return {leg.written.name: leg.leg(sync) for leg in self.legs}


class Drafting:
    """Checks wishes; writes nothing. `heard` are the vendors whose changes the mapper reads."""

    def __init__(
        self,
        pool: state.Pool,
        door: Door,
        vendors: Mapping[VendorName, Vendor],
        heard: Collection[str] | None = None,
    ) -> None:
        self._pool = pool
        self._door = door
        self._vendors = vendors
        self._heard = source_vendors() if heard is None else heard

    async def draft(self, wish: SyncWish) -> Draft:
        """The checked draft, or one Refusal with every problem there is."""
        problems: list[Problem] = []
        given = _template(wish)
        source = await self._end("source", wish.source, given, problems)
        target = await self._end("target", wish.target, given, problems)
        written = written_legs(wish, of_account(given, target), problems)
        legs = []
        for one in written:
            reads, writes = {"forward": (source, target), "back": (target, source), "within": (source, source)}[
                one.direction
            ]
            problems += self._unheard(one, reads)
            legs.append(await draft_leg(one, reads, writes, problems, await self._seen(one, reads)))
        refuse_if_any(problems)
        drafted = tuple(leg for leg in legs if leg is not None)
        assert source and target and len(drafted) == len(written)
        if wish.legs is not None:
            return Draft(source, target, drafted)
        return Draft(source, target, drafted, left_out(given, target), absent(given, target))

    async def ends(self, wish: SyncWish) -> Sequence[str]:
        """The ids of the connections that the wish names, as far as they are there."""
        async with state.connection(self._pool) as link:
            found = [await _named(link, name) for name in (wish.source, wish.target)]
        return [row.id for row in found if row is not None]

    async def open(self, connection: str) -> End:
        """One side of a sync that exists."""
        async with state.connection(self._pool) as link:
            row = await connection_rows.read(link, connection)
        assert row is not None
        return self._opened(row)

    def _opened(self, row: ConnectionRow) -> End:
        vendor = self._vendors[VendorName(row.vendor)]
        api = self._door.open(vendor.profile, row.for_calls())
        return End(row.for_calls(), vendor, api, RememberedReads(api))

    async def _end(self, side: str, name: str, given: Mapping[str, Any], problems: list[Problem]) -> End | None:
        vendor = str(given[side]["vendor"]) if given else ""
        async with state.connection(self._pool) as link:
            row = await _named(link, name)
        wrong = _unusable(row, side, name, vendor)
        problems += wrong
        return None if wrong or row is None else self._opened(row)

    async def _seen(self, leg: WrittenLeg, reads: End | None) -> Sequence[str]:
        """Custom fields of the records that were read so far."""
        if reads is None:
            return ()
        async with state.connection(self._pool) as link:
            return await custom_fields.seen(link, reads.connection.id, leg.source_entity)

    def _unheard(self, leg: WrittenLeg, reads: End | None) -> list[Problem]:
        if reads is None or reads.vendor.name in self._heard:
            return []
        words = f"No changes of {reads.vendor.title} are read; those of {', '.join(sorted(self._heard))} are."
        return [placed(leg.at, problem(sync_codes.SYNC_ENTITY_UNKNOWN, "source", words))]


def _template(wish: SyncWish) -> Mapping[str, Any]:
    """Empty for a file that does without one, because it writes its legs whole."""
    if not wish.template and wish.legs is not None:
        return {}
    try:
        return template(wish.template)
    except MappingInvalid as unknown:
        refuse_if_any(unknown.problems)
        raise


async def _named(link: state.DbConnection, name: str) -> ConnectionRow | None:
    return await connection_rows.named(link, name) or await connection_rows.read(link, name)


def _unusable(row: ConnectionRow | None, field: str, name: str, vendor: str) -> list[Problem]:
    needs = f"; the template needs one of {vendor}." if vendor else "."
    if row is None or row.state == "deleted":
        return [problem(sync_codes.SYNC_CONNECTION_UNKNOWN, field, f"There is no connection {name!r}{needs}")]
    if vendor and row.vendor != vendor:
        words = f"{row.name} is a connection of {row.vendor}{needs}"
        return [problem(sync_codes.SYNC_CONNECTION_VENDOR, field, words)]
    gate = next((gate for gate in row.gates if gate.reason == "needs_reauth"), None)
    if row.state != "active" or gate is not None:
        words = f"{row.name} is {row.state}." if gate is None else f"{row.name} has to be reconnected."
        return [problem(sync_codes.SYNC_CONNECTION_NOT_READY, field, words)]
    return []
