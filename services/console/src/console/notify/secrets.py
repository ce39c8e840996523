"""The secrets that webhooks of ours are signed with: in the token-broker's vault, where all secrets are, one slot a destination."""

from __future__ import annotations

import base64
import secrets

from common.secret import Secret
from console.broker import Broker
from console.notify.webhook import PREFIX

_PLACE, _OF = "notifications", "millrace"
_BYTES = 32


class DestinationSecrets:
    """Makes, tells and forgets them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def make(self, destination: str) -> Secret:
        secret = Secret(PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode())
        await self._broker.put_webhook_secret(_PLACE, _OF, destination, secret)
        return secret

    async def of(self, destination: str) -> Secret | None:
        return (await self._broker.webhook_secrets(_PLACE)).get(destination)

    async def forget(self, destination: str) -> None:
        await self._broker.delete_webhook_secret(_PLACE, destination)
