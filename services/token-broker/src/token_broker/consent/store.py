"""The table of consents. Tickets, sessions and states are only known by their hashes; what a consent brought lies here sealed
until its place is chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.secret import Secret
from common.state import pool as state
from token_broker.vault.envelope import Vault
from vendors.grant import Discovery, Granted, Place

OPEN_STATES = ("waiting", "opened", "exchanging", "granted", "choose")


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent, as the console and the command line follow it."""

    id: str
    connection: str
    vendor: str
    family: str
    name: str
    asked_site: str
    wanted_place: str
    asked_by: str
    state: str
    code: str
    message: str
    next: str
    made_at: datetime
    expires_at: datetime
    changed_at: datetime
    site: str
    scopes: tuple[str, ...]
    details: Mapping[str, str]
    places: tuple[Place, ...]
    place: str
    owner: str
    token_made_at: datetime | None
    token_lives_s: float | None
    refresh_lives_s: float | None
    hard_lives_s: float | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """The tokens of a consent whose place is not chosen yet."""

    access: Secret
    refresh: Secret | None


_COLUMNS = ", ".join(Consent.__dataclass_fields__)


def hashed(secret: str) -> bytes:
    """What is stored of a random value that comes back to us."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def subject(consent_id: str) -> str:
    """The owner of a candidate's data key."""
    return f"consent:{consent_id}"


class ConsentStore:
    """Reads and writes consents."""

    def __init__(self, pool: state.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def add(self, consent: Consent, ticket: str) -> None:
        """A new consent; an older one of the same connection that is still open ends."""
        async with state.transaction(self._pool) as tx:
            await tx.execute(
                """update vault.consent set state = 'cancelled', message = 'A newer consent was started.', changed_at = $2
                    where connection = $1 and state in ('waiting', 'opened')""",
                consent.connection,
                consent.made_at,
            )
            await tx.execute(
                """insert into vault.consent (id, connection, vendor, family, name, asked_site, wanted_place, asked_by, ticket_hash,
                       made_at, expires_at, changed_at, message, next)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12, $13)""",
                consent.id,
                consent.connection,
                consent.vendor,
                consent.family,
                consent.name,
                consent.asked_site,
                consent.wanted_place,
                consent.asked_by,
                hashed(ticket),
                consent.made_at,
                consent.expires_at,
                consent.message,
                consent.next,
            )

    async def read(self, consent_id: str) -> Consent | None:
        return await self._one("id = $1", consent_id)

    async def by_ticket(self, ticket: str) -> Consent | None:
        return await self._one("ticket_hash = $1", hashed(ticket))

    async def by_state(self, value: str) -> Consent | None:
        return await self._one("state_hash = $1", hashed(value))

    async def over(self, now: datetime, limit: int = 20) -> Sequence[Consent]:
        """Open ones whose time is over."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                f"select {_COLUMNS} from vault.consent where expires_at <= $1 and state = any($2) limit $3",  # noqa: S608
                now,
                list(OPEN_STATES),
                limit,
            )
        return [_consent(row) for row in rows]

    async def open(
        self, consent: Consent, former: str, session: str, value: str, verifier: Secret, now: datetime
    ) -> bool:
        """Binds the browser and the state; only once, or again by the same browser. `former` is its cookie so far."""
        async with state.transaction(self._pool) as tx:
            sealed = await self._vault.seal(tx, subject(consent.id), "verifier", 0, verifier)
            bound = await tx.fetchval(
                """update vault.consent set state = 'opened', session_hash = $2, state_hash = $3, sealed_verifier = $4, changed_at = $5
                    where id = $1 and expires_at > $5
                      and (state = 'waiting' or (state = 'opened' and session_hash = $6)) returning true""",
                consent.id,
                hashed(session),
                hashed(value),
                sealed,
                now,
                hashed(former),
            )
        return bool(bound)

    async def is_session(self, consent_id: str, session: str) -> bool:
        """Whether this is the browser that opened the consent."""
        async with state.connection(self._pool) as link:
            same = await link.fetchval(
                "select session_hash = $2 from vault.consent where id = $1", consent_id, hashed(session)
            )
        return bool(same)

    async def take(self, consent_id: str, value: str, session: str, now: datetime) -> bool:
        """Uses the state up: the first who comes with state and session, and nobody after."""
        async with state.connection(self._pool) as link:
            taken = await link.fetchval(
                """update vault.consent set state = 'exchanging', changed_at = $4
                    where id = $1 and state = 'opened' and state_hash = $2 and session_hash = $3 and expires_at > $4 returning true""",
                consent_id,
                hashed(value),
                hashed(session),
                now,
            )
        return bool(taken)

    async def verifier(self, consent_id: str) -> Secret:
        async with state.connection(self._pool) as link:
            sealed = await link.fetchval("select sealed_verifier from vault.consent where id = $1", consent_id)
            return await self._vault.open(link, subject(consent_id), "verifier", 0, sealed)

    async def keep(self, consent_id: str, granted: Granted, made_at: datetime, expires_at: datetime) -> None:
        """The tokens, durable before anything else is done with them."""
        async with state.transaction(self._pool) as tx:
            owner = subject(consent_id)
            access = await self._vault.seal(tx, owner, "access", 0, granted.access)
            refresh = (
                None if granted.refresh is None else await self._vault.seal(tx, owner, "refresh", 0, granted.refresh)
            )
            await tx.execute(
                """update vault.consent set state = 'granted', site = $2, scopes = $3, details = $4, sealed_access = $5,
                       sealed_refresh = $6, token_made_at = $7, token_lives_s = $8, refresh_lives_s = $9, expires_at = $10, hard_lives_s = $11,
                       changed_at = $7, message = 'Access was given; asking what it opens.', sealed_verifier = null
                    where id = $1""",
                consent_id,
                granted.site,
                list(granted.scopes),
                dict(granted.details),
                access,
                refresh,
                made_at,
                _seconds(granted.lives),
                _seconds(granted.refresh_lives),
                expires_at,
                _seconds(granted.hard_lives),
            )

    async def candidate(self, tx: state.DbConnection, consent_id: str) -> Candidate | None:
        """The tokens, opened. Locked until the transaction ends: whoever ends the consent forgets the key that opens them."""
        row = await tx.fetchrow(
            "select sealed_access, sealed_refresh from vault.consent where id = $1 for update", consent_id
        )
        if row is None or row["sealed_access"] is None:
            return None
        owner = subject(consent_id)
        access = await self._vault.open(tx, owner, "access", 0, row["sealed_access"])
        sealed = row["sealed_refresh"]
        return Candidate(access, None if sealed is None else await self._vault.open(tx, owner, "refresh", 0, sealed))

    async def offer(self, consent_id: str, found: Discovery, site: str, now: datetime, words: tuple[str, str]) -> None:
        """The places a person may choose from."""
        places = [{"id": place.id, "title": place.title, "details": dict(place.details)} for place in found.places]
        async with state.connection(self._pool) as link:
            await link.execute(
                """update vault.consent set state = 'choose', places = $2, owner = $3, details = details || $4, site = $5,
                       changed_at = $6, message = $7, next = $8, code = '' where id = $1 and state in ('granted', 'choose')""",
                consent_id,
                places,
                found.owner,
                dict(found.details),
                site,
                now,
                *words,
            )

    async def tell(self, consent_id: str, code: str, message: str, now: datetime) -> None:
        """Something to know that ends nothing."""
        async with state.connection(self._pool) as link:
            await link.execute(
                "update vault.consent set code = $2, message = $3, changed_at = $4 where id = $1",
                consent_id,
                code,
                message,
                now,
            )

    async def finish(
        self,
        tx: state.DbConnection,
        consent_id: str,
        ended: str,
        code: str,
        message: str,
        next_step: str,
        now: datetime,
    ) -> None:
        """The end of a consent, good or bad: its candidate is forgotten with the key that opened it."""
        await tx.execute(
            """update vault.consent set state = $2, code = $3, message = $4, next = $5, changed_at = $6, sealed_access = null,
                   sealed_refresh = null, sealed_verifier = null where id = $1""",
            consent_id,
            ended,
            code,
            message,
            next_step,
            now,
        )
        await self._vault.forget(tx, subject(consent_id))

    async def settle(self, tx: state.DbConnection, consent_id: str, place: str, details: Mapping[str, str]) -> bool:
        """Takes the choice, once."""
        taken = await tx.fetchval(
            """update vault.consent set place = $2, details = details || $3
                where id = $1 and state in ('choose', 'granted') returning true""",
            consent_id,
            place,
            dict(details),
        )
        return bool(taken)

    async def forget(self, before: datetime) -> None:
        """Drops consents that ended long ago."""
        async with state.connection(self._pool) as link:
            await link.execute(
                "delete from vault.consent where changed_at < $1 and not state = any($2)", before, list(OPEN_STATES)
            )

    async def _one(self, where: str, value: object) -> Consent | None:
        async with state.connection(self._pool) as link:
            row = await link.fetchrow(f"select {_COLUMNS} from vault.consent where {where}", value)  # noqa: S608
        return None if row is None else _consent(row)


def _consent(row: Mapping[str, Any]) -> Consent:
    found = {name: row[name] for name in Consent.__dataclass_fields__}
    places = tuple(Place(place["id"], place["title"], place["details"]) for place in row["places"])
    return Consent(**(found | {"places": places, "scopes": tuple(row["scopes"]), "details": dict(row["details"])}))


def _seconds(span: Any) -> float | None:
    return None if span is None else span.total_seconds()
