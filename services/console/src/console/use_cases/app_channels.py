"""Webhooks that belong to our application at a vendor: a person enters their address there, and their secret here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.api.refusal import Refusal
from common.contracts.ids import VendorName
from common.secret import Secret
from console import channel_codes
from console.broker import Broker
from vendors.channel import APP, app_secrets_of, hook_address
from vendors.vendor import Vendor

SLOT = "verifier"
# The vendor may still repeat what it has signed with the former one.
_OVERLAP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AppChannel:
    """How a vendor calls us for all connections."""

    vendor: Vendor
    address: str
    has_secret: bool


class AppChannels:
    """Shows them, and takes their secrets."""

    def __init__(self, broker: Broker, vendors: Mapping[VendorName, Vendor], public_url: str | None) -> None:
        self._broker = broker
        self._vendors = vendors
        self._public_url = public_url

    async def show(self, name: str) -> AppChannel:
        """What a person needs who enters the address at the vendor."""
        vendor = self._vendors.get(VendorName(name))
        if vendor is None or vendor.app_inbox is None:
            raise Refusal(404, channel_codes.CHANNEL_OF_NO_APP)
        if self._public_url is None:
            raise Refusal(409, channel_codes.CHANNEL_NO_ADDRESS)
        known = await self._broker.webhook_secrets(app_secrets_of(vendor.name))
        return AppChannel(vendor, hook_address(self._public_url, vendor.name, APP), SLOT in known)

    async def enter(self, name: str, secret: Secret) -> AppChannel:
        """The secret from now on; the former one counts for a day. The same again changes nothing that anybody sees."""
        found = await self.show(name)
        owner = app_secrets_of(found.vendor.name)
        await self._broker.put_webhook_secret(owner, found.vendor.name, SLOT, secret, overlap=_OVERLAP)
        return await self.show(name)
