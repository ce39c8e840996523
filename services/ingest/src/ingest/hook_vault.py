"""The secrets of one connection's webhooks as its channel needs them: made, kept and looked up in the token-broker's vault."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from common.contracts.connections import Connection
from common.failures import Transient
from common.http import door_codes
from common.http.broker import BrokerClient, BrokerSilent
from common.secret import Secret

_LENGTH = 24
_UNKNOWN = 404


class HookVault:
    """One for a connection and an audit."""

    def __init__(self, broker: BrokerClient, connection: Connection) -> None:
        self._broker = broker
        self._path = f"/v1/webhook-secrets/{connection.id}"
        self._vendor = connection.vendor

    async def known(self, slot: str) -> Secret | None:
        """The newest of the slot; the broker tells the newest first."""
        found = (await self._ask("GET", self._path)).get("secrets", ())
        return next((Secret(str(one["secret"])) for one in found if one["slot"] == slot), None)

    async def made(self, slot: str, prefix: str = "") -> Secret:
        if not prefix:
            told = await self._ask("POST", f"{self._path}/rotate", {"vendor": self._vendor, "slot": slot})
            return Secret(str(told["secret"]))
        secret = Secret(prefix + secrets.token_hex(_LENGTH))
        await self.keep(slot, secret)
        return secret

    async def keep(self, slot: str, secret: Secret) -> None:
        """The webhook that had the former one is gone, so that one ends at once."""
        body = {"vendor": self._vendor, "slot": slot, "secret": secret.reveal(), "overlap_s": 0}
        await self._ask("PUT", self._path, body)

    async def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        away = door_codes.TOKEN_BROKER_UNAVAILABLE
        try:
            answer = await self._broker.ask(method, path, body)
        except BrokerSilent as lost:
            raise Transient(away.name, away.meaning) from lost
        if answer.granted:
            return answer.document or {}
        if answer.status == _UNKNOWN and method == "GET":
            return {}
        raise Transient(away.name, away.meaning, detail=answer.code)
