"""The secrets of one connection's webhooks, in the token-broker's vault."""

from __future__ import annotations

import secrets

from common.secret import Secret
from console.broker import Broker

_LENGTH = 24


class VaultedSecrets:
    """What channels make and look up; one for a connection."""

    def __init__(self, broker: Broker, connection: str, vendor: str) -> None:
        self._broker = broker
        self._connection = connection
        self._vendor = vendor

    async def known(self, slot: str) -> Secret | None:
        return (await self._broker.webhook_secrets(self._connection)).get(slot)

    async def made(self, slot: str, prefix: str = "") -> Secret:
        if not prefix:
            return await self._broker.rotate_webhook_secret(self._connection, self._vendor, slot)
        secret = Secret(prefix + secrets.token_hex(_LENGTH))
        await self.keep(slot, secret)
        return secret

    async def keep(self, slot: str, secret: Secret) -> None:
        await self._broker.put_webhook_secret(self._connection, self._vendor, slot, secret)
