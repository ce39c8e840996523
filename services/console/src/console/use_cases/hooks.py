"""The webhooks that a sync's live traffic needs: of the source's records, and of the target's own events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from common.failures import Failure
from common.http.call import Api
from console.broker import Broker
from console.hook_secrets import VaultedSecrets
from console.use_cases.leg_drafting import End
from console.use_cases.problems import of_vendor
from mapper.mapping.problems import Problem
from vendors.channel import Channel, HookSecrets, HookSubscription

_Step = Callable[[HookSubscription, Api, HookSecrets], Awaitable[Sequence[str]]]

NO_ADDRESS = "No webhooks are registered: this installation has no public address. Set MILLRACE_PUBLIC_URL."


@dataclass(frozen=True, slots=True)
class WantedHook:
    """One side of a sync and what shall be heard of it: the source's entity, or the target's place."""

    end: End
    subject: str


class Hooks:
    """Looks at and registers webhooks; registering can be repeated and never doubles."""

    def __init__(self, broker: Broker, public_url: str | None) -> None:
        self._broker = broker
        self._public_url = public_url

    @property
    def reachable(self) -> bool:
        """Whether vendors can be told an address."""
        return self._public_url is not None

    async def missing(self, wanted: Sequence[WantedHook], problems: list[Problem]) -> list[str]:
        """What would be registered; what a vendor forbids is a problem before anything is written."""
        return await self._each(wanted, problems, lambda channel: channel.missing)

    async def ensure(self, wanted: Sequence[WantedHook], problems: list[Problem]) -> list[str]:
        """Registers what is missing, and says what that was."""
        return await self._each(wanted, problems, lambda channel: channel.ensure)

    async def _each(
        self, wanted: Sequence[WantedHook], problems: list[Problem], step: Callable[[Channel], _Step]
    ) -> list[str]:
        words: list[str] = []
        for one in wanted if self.reachable else ():
            connection, channel = one.end.connection, one.end.vendor.channel
            if channel is None:
                continue
            subscription = HookSubscription(
                f"{self._public_url}/hooks/{connection.vendor}/{connection.id}", one.subject
            )
            secrets = VaultedSecrets(self._broker, connection.id, connection.vendor)
            try:
                found = await step(channel)(subscription, one.end.api, secrets)
                words += [f"{connection.name}: {word}" for word in found]
            except Failure as failure:
                # What forbids the first forbids the whole: nothing more is asked for.
                problems.append(of_vendor(failure, "webhooks", connection.name))
                return words
        return words
