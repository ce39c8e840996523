"""Where summaries and alerts go: addresses that people add, try and remove.

A webhook's secret is made in the vault first, and the row after it: a crash in between leaves a secret that nobody uses. Removing goes the
other way round for the same reason, and can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from common.api.refusal import Refusal
from common.clock import Clock
from common.secret import Secret
from common.state import pool as state
from console import notice_codes as codes
from console.notify import wording
from console.notify.notice import NotTaken, Outlet, Unseen
from console.notify.secrets import DestinationSecrets
from console.notify.webhook import is_address
from console.state import destinations as rows
from console.state.destinations import Destination, Kind, LastDelivery

_MAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}")


@dataclass(frozen=True, slots=True)
class Added:
    """A new destination; the secret is told this once."""

    destination: Destination
    secret: Secret | None


class Destinations:
    """Adds, lists, tries and removes them."""

    def __init__(
        self, pool: state.Pool, secrets: DestinationSecrets, channels: Mapping[Kind, Outlet], clock: Clock, *, mail: bool
    ) -> None:  # fmt: skip
        self._pool = pool
        self._secrets = secrets
        self._channels = channels
        self._clock = clock
        self._mail = mail

    async def all(self) -> Sequence[tuple[Destination, LastDelivery | None]]:
        """Each with the last thing that was told there."""
        async with state.connection(self._pool) as link:
            return await rows.all_of(link)

    async def add(self, address: str, *, summaries: bool, alerts: bool) -> Added:
        """A mail address, or a webhook with a secret of its own."""
        kind = self._kind(address)
        one = Destination(uuid4().hex, kind, address, summaries, alerts, self._clock.now())
        secret = await self._secrets.make(one.id) if kind == "webhook" else None
        async with state.transaction(self._pool) as tx:
            if await rows.add(tx, one):
                return Added(one, secret)
        if secret is not None:
            await self._secrets.forget(one.id)
        raise Refusal(409, codes.DESTINATION_TAKEN, f"{one.shown} is one already.")

    async def remove(self, named: str) -> Destination:
        """What is still owed to it is not sent any more."""
        one = await self._named(named)
        async with state.transaction(self._pool) as tx:
            await rows.remove(tx, one.id)
        if one.kind == "webhook":
            await self._secrets.forget(one.id)
        return one

    async def test(self, named: str) -> Destination:
        """Sends a sample now, by the same way as everything else."""
        one = await self._named(named)
        now = self._clock.now()
        try:
            await self._channels[one.kind].send(one.address, one.id, wording.sample(f"msg_{uuid4().hex}", now))
        except (NotTaken, Unseen) as failed:
            raise Refusal(503, codes.DESTINATION_REFUSED, str(failed)) from failed
        return one

    async def _named(self, named: str) -> Destination:
        found = [one for one, _ in await self.all() if named in (one.id, one.address, one.shown)]
        if len(found) != 1:
            words = f"{named[:100]} is {'no destination' if not found else 'several: name it by its id'}."
            raise Refusal(404, codes.DESTINATION_UNKNOWN, words)
        return found[0]

    def _kind(self, address: str) -> Kind:
        if address.startswith(("http://", "https://")):
            if not is_address(address):
                raise Refusal(422, codes.DESTINATION_INVALID)
            return "webhook"
        if _MAIL.fullmatch(address) is None:
            raise Refusal(422, codes.DESTINATION_INVALID)
        if not self._mail:
            raise Refusal(409, codes.DESTINATION_NO_MAIL)
        return "email"
