"""Builds the parts that tell people outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.runtime import Runtime
from common.state.pool import Pool
from console.broker import Broker
from console.notify.mail import Mail
from console.notify.notice import Outlet
from console.notify.secrets import DestinationSecrets
from console.notify.sender import NoticeSender
from console.notify.webhook import Webhook
from console.settings import ConsoleSettings
from console.state.destinations import Kind
from console.use_cases.day_figures import DayFigures
from console.use_cases.destinations import Destinations
from console.use_cases.notices import EVERY_S, SEND_EVERY_S, Notices
from console.use_cases.summaries import Summaries
from vendors.registry import VENDORS


@dataclass(frozen=True, slots=True)
class Notifying:
    """What the API speaks to, and the two loops."""

    summaries: Summaries
    destinations: Destinations
    notices: Notices
    sender: NoticeSender

    def start(self, runtime: Runtime[ConsoleSettings]) -> None:
        runtime.every("notices", EVERY_S, self.notices.look)
        runtime.every("deliveries", SEND_EVERY_S, self._send)

    async def _send(self) -> None:
        await self.sender.send_due()


@asynccontextmanager
async def open_notifying(runtime: Runtime[ConsoleSettings], pool: Pool, broker: Broker) -> AsyncIterator[Notifying]:
    settings, clock = runtime.settings, runtime.clock
    secrets, mail = DestinationSecrets(broker), Mail(settings.smtp)
    webhook = Webhook(secrets.of, clock)
    channels: Mapping[Kind, Outlet] = {"email": mail, "webhook": webhook}
    summaries = Summaries(pool, DayFigures(VENDORS, settings.console_url or ""), clock)
    try:
        yield Notifying(
            summaries=summaries,
            destinations=Destinations(pool, secrets, channels, clock, mail=mail.is_ready),
            notices=Notices(pool, summaries, clock),
            sender=NoticeSender(pool, channels, clock, runtime.log),
        )
    finally:
        await webhook.aclose()
