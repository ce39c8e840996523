"""Which webhook an address is: `/hooks/{vendor}/{connection}[/{path secret}]`, or `/hooks/{vendor}/app` for all connections of a vendor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from common.contracts.ids import ConnectionId, VendorName
from vendors.channel import APP, app_secrets_of
from vendors.vendor import AppInbox, Inbox, Vendor

_CONNECTION = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Hook(NamedTuple):
    """Whose webhook it is, and how it is recognised."""

    vendor: VendorName
    owner: ConnectionId
    """A connection, or the name that stands for the application: it has the secrets."""
    inbox: Inbox
    app: AppInbox | None = None
    """The same inbox, where the webhook is about all accounts."""


class HookAddresses:
    """Every address that these vendors can be given."""

    def __init__(self, vendors: Mapping[VendorName, Vendor]) -> None:
        self._vendors = vendors

    def named(self, path: str) -> Hook | None:
        """The webhook of a path; None where there cannot be one."""
        parts = path.split("/")
        if len(parts) not in (4, 5) or parts[:2] != ["", "hooks"]:
            return None
        vendor, name = self._vendors.get(VendorName(parts[2])), parts[3]
        if vendor is None:
            return None
        if vendor.app_inbox is not None:
            owner = ConnectionId(app_secrets_of(vendor.name))
            return Hook(vendor.name, owner, vendor.app_inbox, vendor.app_inbox) if parts[3:] == [APP] else None
        # As the table of connections has them: an id that cannot be one is asked of nobody and remembered by nobody.
        if vendor.inbox is None or not _CONNECTION.fullmatch(name):
            return None
        return Hook(vendor.name, ConnectionId(name), vendor.inbox)
