"""Rotates the master key while everything goes on: a new key, every data key wrapped anew one by one, the old key retired.

Credentials themselves are not touched. A replica that meets a key it does not know looks into the ring's file again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from structlog.typing import FilteringBoundLogger

from common import failpoints
from common.api.refusal import Refusal
from common.clock import Clock
from common.state import pool as state
from common.state.trouble import DATABASE_ERRORS, is_away
from token_broker import codes
from token_broker.vault.envelope import Vault
from token_broker.vault.keyring import KeyLost, KeyRing, RingFixed
from token_broker.vault.sealing import SealBroken

_PAGE = 50
_OURS = "and rotating again will not help: this is our fault or the installation's, `millrace logs token-broker` has it"


@dataclass(frozen=True, slots=True)
class RotationProgress:
    """How far a rotation is."""

    state: Literal["idle", "running", "done", "failed"] = "idle"
    done: int = 0
    total: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    message: str = ""


class Rotation:
    """The rotation of this process; running it twice, or again after a crash, does what is left."""

    def __init__(self, pool: state.Pool, vault: Vault, ring: KeyRing, clock: Clock, log: FilteringBoundLogger) -> None:
        self._pool = pool
        self._vault = vault
        self._ring = ring
        self._clock = clock
        self._log = log
        self.progress = RotationProgress()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Starts a rotation unless one runs; an interrupted one is taken up before a new key is made."""
        if self._task is not None and not self._task.done():
            return
        total = await self._left()
        if total == 0:
            self._grow()
            total = await self._left()
        async with state.connection(self._pool) as link:
            await self._vault.introduce(link)
        self.progress = RotationProgress("running", 0, total, self._clock.now())
        self._task = asyncio.create_task(self._run(), name="rotation")

    async def finished(self) -> None:
        """Waits for the rotation that runs, if one does."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def connections_by_key(self) -> dict[str, int]:
        """How many connections each key of the ring wraps."""
        async with state.connection(self._pool) as link:
            rows = await link.fetch("select ring_key, count(*) from vault.data_key group by 1")
        return dict.fromkeys(self._ring.ids, 0) | {row["ring_key"]: row["count"] for row in rows}

    def _grow(self) -> None:
        try:
            self._ring.grow()
        except RingFixed as fixed:
            if len(self._ring.ids) < 2:
                raise Refusal(409, codes.KEY_RING_FIXED, str(fixed)) from fixed

    async def _run(self) -> None:
        try:
            while page := await self._page():
                for subject, former in page:
                    await self._one(subject, former)
            message = await self._retire()
        except (SealBroken, KeyLost, RingFixed) as error:
            self._failed(error, "rotate again")
            return
        except DATABASE_ERRORS as error:
            self._failed(error, "rotate again" if is_away(error) else _OURS)
            return
        except Exception as error:
            # A task of its own: unless it is written down here, whoever waits for the end waits for ever.
            self._failed(error, _OURS)
            raise
        self.progress = replace(self.progress, state="done", finished_at=self._clock.now(), message=message)
        self._log.info("keys.rotated", done=self.progress.done, primary=self._ring.primary)

    def _failed(self, error: Exception, remedy: str) -> None:
        reason = str(error) or type(error).__name__
        self._log.error("keys.rotation_failed", done=self.progress.done, reason=reason, exc_info=error)
        message = f"It stopped ({reason}); nothing is lost, {remedy}."
        self.progress = replace(self.progress, state="failed", finished_at=self._clock.now(), message=message)

    async def _one(self, subject: str, former: str) -> None:
        async with state.transaction(self._pool) as tx:
            await self._vault.rewrap(tx, subject, former)
        await failpoints.hit("broker.rotation.rewrapped")
        self.progress = replace(self.progress, done=self.progress.done + 1)

    async def _left(self) -> int:
        async with state.connection(self._pool) as link:
            count: int = await link.fetchval(
                "select count(*) from vault.data_key where ring_key <> $1", self._ring.primary
            )
        return count

    async def _page(self) -> list[tuple[str, str]]:
        async with state.connection(self._pool) as link:
            rows = await link.fetch(
                "select subject, ring_key from vault.data_key where ring_key <> $1 order by subject limit $2",
                self._ring.primary,
                _PAGE,
            )
        return [(row["subject"], row["ring_key"]) for row in rows]

    async def _retire(self) -> str:
        """Old keys leave the ring when nothing in the vault needs them."""
        used = {key_id for key_id, count in (await self.connections_by_key()).items() if count}
        places = [self._ring.retire(key_id) for key_id in self._ring.ids if key_id not in used | {self._ring.primary}]
        if not places:
            return "Every connection is wrapped with the newest key."
        return f"Every connection is wrapped with the newest key. Only older backups need the former: {', '.join(places)} may be removed."
