"""All connections by their id and by their account, read every few seconds: the secrets of one that exists are asked for at once, whatever
flood of strangers' ids comes, and an event finds its account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from common.contracts.ids import ConnectionId, VendorName
from common.state.configuration import ConfigurationReader
from common.state.pool import Pool, transaction
from vendors.channel import app_secrets_of
from vendors.vendor import Vendor

EVERY_S = 5.0


class ConfiguredIds:
    """What was last read stays while the database is away."""

    def __init__(
        self, pool: Pool, configuration: ConfigurationReader, vendors: Mapping[VendorName, Vendor]
    ) -> None:  # fmt: skip
        self._pool = pool
        self._configuration = configuration
        self._apps = {name: vendor for name, vendor in vendors.items() if vendor.app_inbox is not None}
        self._secrets_of_apps = frozenset(ConnectionId(app_secrets_of(name)) for name in self._apps)
        self._ids: frozenset[ConnectionId] = frozenset()
        self._accounts: Mapping[tuple[VendorName, str], Sequence[ConnectionId]] = {}

    def __contains__(self, connection: object) -> bool:
        return connection in self._ids or connection in self._secrets_of_apps

    async def of_accounts(
        self, vendor: VendorName, accounts: Collection[str]
    ) -> Mapping[str, Sequence[ConnectionId]]:  # fmt: skip
        """The connections of each account that has any. One may have been connected a moment ago: so it is looked for once more."""
        if any((vendor, account) not in self._accounts for account in accounts):
            await self.read()
        found = self._accounts
        return {account: found[vendor, account] for account in accounts if (vendor, account) in found}

    async def read(self) -> None:
        """Reads them once."""
        async with transaction(self._pool) as tx:
            configuration = await self._configuration.read(tx)
        accounts: dict[tuple[VendorName, str], tuple[ConnectionId, ...]] = {}
        for one in configuration.connections.values():
            vendor = self._apps.get(one.vendor)
            account = one.details.get(vendor.account_detail, "") if vendor is not None else ""
            if account:
                accounts[one.vendor, account] = (*accounts.get((one.vendor, account), ()), one.id)
        self._ids, self._accounts = frozenset(configuration.connections), accounts
