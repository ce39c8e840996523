"""Webhooks that belong to our application at a vendor: a person enters their address there, their secret here, and sees the first one come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.api.refusal import Refusal
from common.codes import Code
from common.contracts.ids import VendorName
from common.secret import Secret
from common.state import pool as state
from console import channel_codes
from console.broker import Broker
from console.state import app_channels as rows
from console.state.app_channels import HeardConnection, QuarantinedHook
from vendors.channel import APP, NOT_ENTERED, app_secrets_of, hook_address, strangers_of
from vendors.vendor import Vendor

SLOT = "verifier"
# The vendor may still repeat what it has signed with the former one.
_OVERLAP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChannelTrouble:
    """What came and was not taken: since when, what it means and what to do."""

    code: Code
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class AppChannel:
    """How a vendor calls us for all connections."""

    vendor: Vendor
    address: str
    steps: Sequence[str]
    """What a person does on the vendor's page."""
    has_secret: bool
    connections: Sequence[HeardConnection]
    troubles: Sequence[ChannelTrouble]

    @property
    def heard_at(self) -> datetime | None:
        """When the last event came that was signed rightly and of a connection's account."""
        return max((one.heard_at for one in self.connections if one.heard_at is not None), default=None)


class AppChannels:
    """Shows them, and takes their secrets."""

    def __init__(
        self, pool: state.Pool, broker: Broker, vendors: Mapping[VendorName, Vendor], public_url: str | None
    ) -> None:
        self._pool = pool
        self._broker = broker
        self._vendors = vendors
        self._public_url = public_url

    async def show(self, name: str) -> AppChannel:
        """What a person needs who enters the address at the vendor, and what has come of it."""
        vendor = self._vendors.get(VendorName(name))
        if vendor is None or vendor.app_inbox is None:
            raise Refusal(404, channel_codes.CHANNEL_OF_NO_APP)
        if self._public_url is None:
            raise Refusal(409, channel_codes.CHANNEL_NO_ADDRESS)
        known = await self._broker.webhook_secrets(app_secrets_of(vendor.name))
        async with state.connection(self._pool) as link:
            heard = await rows.heard(link, vendor.name)
            refused = await rows.quarantined(link, app_secrets_of(vendor.name))
            stranger = await rows.quarantined(link, strangers_of(vendor.name))
        address = hook_address(self._public_url, vendor.name, APP)
        steps = [one.format(address=address) for one in vendor.app_inbox.entered]
        newest = max((one.heard_at for one in heard if one.heard_at is not None), default=None)
        return AppChannel(vendor, address, steps, SLOT in known, heard, _troubles(refused, stranger, newest))

    async def enter(self, name: str, secret: Secret) -> AppChannel:
        """The secret from now on; the former one counts for a day. The same again changes nothing that anybody sees."""
        found = await self.show(name)
        owner = app_secrets_of(found.vendor.name)
        await self._broker.put_webhook_secret(owner, found.vendor.name, SLOT, secret, overlap=_OVERLAP)
        return await self.show(name)


def _troubles(
    refused: QuarantinedHook | None, stranger: QuarantinedHook | None, heard_at: datetime | None
) -> list[ChannelTrouble]:
    """What was refused before an event that fits says nothing any more; an account that is not connected stays one."""
    found = []
    if refused is not None and (heard_at is None or refused.at > heard_at):
        early = refused.reason == NOT_ENTERED
        code = channel_codes.CHANNEL_APP_NO_SECRET if early else channel_codes.CHANNEL_APP_SECRET_WRONG
        found.append(ChannelTrouble(code, refused.at, refused.reason))
    if stranger is not None:
        found.append(ChannelTrouble(channel_codes.CHANNEL_APP_STRANGER, stranger.at, stranger.reason))
    return found
