"""The webhooks that a sync's live traffic needs: of the source's records, and of the target's own events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.contracts.ids import ConnectionId, Entity
from common.contracts.syncs import Leg
from common.failures import Failure
from common.http.call import Api
from console.broker import Broker
from console.hook_secrets import VaultedSecrets
from console.use_cases.leg_drafting import End
from console.use_cases.problems import of_vendor
from mapper.mapping.problems import Problem
from vendors.channel import Channel, HookSecrets, HookSubscription, hook_address
from vendors.feeding import heard_of

_Step = Callable[[HookSubscription, Api, HookSecrets], Awaitable[Sequence[str]]]

NO_ADDRESS = "No webhooks are registered: this installation has no public address. Set MILLRACE_PUBLIC_URL."

BY_HAND = (
    "{name} lets us register no webhooks: its plan, or the role of the user who connected it. A person can do it: `millrace channel set-up {name}` "
    "shows address, secret and events. Until then it is read every few minutes."
)


@dataclass(frozen=True, slots=True)
class WantedHook:
    """One side of a leg: records of one kind, in one place, of which we want to hear."""

    end: End
    entity: Entity
    place: str

    @property
    def subject(self) -> str:
        """By what the vendor tells of them; empty where it does not."""
        channel = self.end.vendor.channel
        return channel.subject(self.entity, self.place) if channel is not None else ""


def wanted_hooks(ends: Mapping[ConnectionId, End], legs: Iterable[Leg]) -> list[WantedHook]:
    """What legs want to be told of, by the connections that they join."""
    return [
        WantedHook(ends[connection], entity, place)
        for leg in legs
        for connection, entity, place in heard_of(
            ends[leg.source].vendor.source, ends[leg.target].vendor.targets.get(leg.target_entity), leg
        )
    ]


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
        return await self._each(wanted, problems, [], lambda channel: channel.missing)

    async def ensure(self, wanted: Sequence[WantedHook], problems: list[Problem], notes: list[str]) -> list[str]:
        """Registers what is missing, and says what that was; where a plan leaves it to a person, that is noted."""
        return await self._each(wanted, problems, notes, lambda channel: channel.ensure)

    async def remove(self, end: End, left: Sequence[str]) -> Sequence[str]:
        """Removes whatever calls a connection that leaves; raises a `Failure`."""
        connection, channel = end.connection, end.vendor.channel
        if channel is None:
            return ()
        # Found by its path: the public address may have been another one, or none by now.
        base = hook_address(self._public_url or "", connection.vendor, connection.id)
        secrets = VaultedSecrets(self._broker, connection.id, connection.vendor)
        return (await channel.audit(HookSubscription(base, ()), left, end.api, secrets)).removed

    async def _each(
        self,
        wanted: Sequence[WantedHook],
        problems: list[Problem],
        notes: list[str],
        step: Callable[[Channel], _Step],
    ) -> list[str]:
        words: list[str] = []
        for end, subjects in _by_connection(wanted) if self._public_url else ():
            connection, channel = end.connection, end.vendor.channel
            assert channel is not None and self._public_url is not None
            base = hook_address(self._public_url, connection.vendor, connection.id)
            secrets = VaultedSecrets(self._broker, connection.id, connection.vendor)
            try:
                found = await step(channel)(HookSubscription(base, subjects), end.api, secrets)
                words += [f"{connection.name}: {word}" for word in found]
            except Failure as failure:
                if channel.assistant is not None and failure.code in channel.assistant.codes:
                    notes.append(BY_HAND.format(name=connection.name))
                    continue
                # What forbids the first forbids the whole: nothing more is asked for.
                problems.append(of_vendor(failure, "webhooks", connection.name))
                return words
        return words


def _by_connection(wanted: Sequence[WantedHook]) -> list[tuple[End, list[str]]]:
    """What is heard of the same is heard once."""
    ends = {one.end.connection.id: one.end for one in wanted if one.subject}
    subjects = {id: dict.fromkeys(one.subject for one in wanted if one.end.connection.id == id) for id in ends}
    return [(end, [subject for subject in subjects[id] if subject]) for id, end in ends.items()]
