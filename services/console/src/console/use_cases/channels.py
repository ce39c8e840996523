"""Channels as people see them: whether vendors call us, what the last audit found, and how a person sets one up by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.api.refusal import Refusal
from common.clock import Clock
from common.contracts.ids import VendorName
from common.secret import Secret
from common.state import pool as state
from console import channel_codes
from console.broker import Broker
from console.hook_secrets import VaultedSecrets
from console.state import channels as rows
from console.state.channels import ChannelRow
from vendors.channel import Assistant, Channel, DescribedHook, HookSubscription, hook_address
from vendors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person needs who registers webhooks; the secret is told once, when it is made."""

    channel: ChannelRow
    hooks: Sequence[DescribedHook]
    secret: Secret | None


class ShownChannels:
    """Reads channels, and asks for audits."""

    def __init__(
        self, pool: state.Pool, broker: Broker, vendors: Mapping[VendorName, Vendor], public_url: str | None, clock: Clock
    ) -> None:  # fmt: skip
        self._pool = pool
        self._broker = broker
        self._vendors = vendors
        self._public_url = public_url
        self._clock = clock

    async def page(self, after: str, limit: int) -> tuple[Sequence[ChannelRow], tuple[str] | None]:
        """Channels in the order of their connections' names, and where the next ones begin."""
        async with state.connection(self._pool) as link:
            found = await rows.page(link, after, limit + 1)
        shown = found[:limit]
        return shown, (shown[-1].name,) if len(found) > limit else None

    async def show(self, connection: str) -> ChannelRow:
        """One channel."""
        async with state.connection(self._pool) as link:
            found = await rows.of(link, connection)
        if found is None:
            raise Refusal(404, channel_codes.CHANNEL_UNKNOWN)
        return found

    async def audit(self, connection: str) -> ChannelRow:
        """Ingest audits it within seconds; when it has, `audited_at` or `words` say what came of it."""
        self._address(await self.show(connection))
        async with state.transaction(self._pool) as tx:
            await rows.audit_now(tx, connection, self._clock.now())
        return await self.show(connection)

    async def by_hand(self, connection: str, *, new_secret: bool) -> ByHand:
        """Addresses and events; and the secret, if it is made by this."""
        row = await self.show(connection)
        self._address(row)
        assistant, hooks = self._assistant(row), self.hooks(row)
        secrets = VaultedSecrets(self._broker, row.connection, row.vendor)
        is_there = await secrets.known(assistant.slot) is not None
        secret = await secrets.made(assistant.slot) if new_secret or not is_there else None
        return ByHand(row, hooks, secret)

    def hooks(self, row: ChannelRow) -> Sequence[DescribedHook]:
        """Each webhook that shall be there."""
        channel = self._channel(row)
        base = hook_address(self._public_url, row.vendor, row.connection) if self._public_url else row.base
        return channel.hooks(HookSubscription(base, row.wanted)) if channel is not None else ()

    def _channel(self, row: ChannelRow) -> Channel | None:
        return self._vendors[VendorName(row.vendor)].channel

    def _address(self, row: ChannelRow) -> None:
        if self._public_url is None:
            raise Refusal(409, channel_codes.CHANNEL_NO_ADDRESS)

    def _assistant(self, row: ChannelRow) -> Assistant:
        channel = self._channel(row)
        if channel is None or channel.assistant is None:
            those = "; ".join(f"{one.subject}: {one.event}" for one in self.hooks(row))
            code = channel_codes.CHANNEL_BY_API
            raise Refusal(409, code, f"{code.meaning} They are, {those}." if those else "")
        return channel.assistant
