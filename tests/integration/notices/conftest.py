"""A database with the console's role, a clock that the test moves, and the real ways to send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from common.clock import Clock, FixedClock
from common.secret import Secret
from common.state.pool import Pool, close_pool, connection, open_pool
from console.notify.mail import Mail
from console.notify.sender import LEASE, NoticeSender
from console.notify.smtp_settings import SmtpSettings
from console.notify.webhook import Webhook
from console.use_cases.day_figures import DayFigures
from console.use_cases.notices import Notices
from console.use_cases.summaries import Summaries
from tests.support.database import Database
from tests.support.hook_receiver import Receiver, receiver
from tests.support.mail_server import MailServer, certificate, mail_server
from vendors.registry import VENDORS

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0" * 2
NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


@dataclass
class Told:
    """Everything that tells, on one database."""

    pool: Pool
    owner: Pool
    clock: FixedClock
    mail: MailServer
    hook: Receiver
    settings: SmtpSettings
    secret: Secret | None = field(default_factory=lambda: Secret(SECRET))
    webhooks: list[Webhook] = field(default_factory=list)

    @property
    def summaries(self) -> Summaries:
        return Summaries(self.pool, DayFigures(VENDORS, "https://console.example.org"), cast(Clock, self.clock))

    @property
    def notices(self) -> Notices:
        return Notices(self.pool, self.summaries, cast(Clock, self.clock))

    def sender(self, lease: timedelta = LEASE) -> NoticeSender:
        async def secret_of(_: str) -> Secret | None:
            return self.secret

        clock = cast(Clock, self.clock)
        self.webhooks.append(Webhook(secret_of, clock))
        ways = {"email": Mail(self.settings), "webhook": self.webhooks[-1]}
        return NoticeSender(self.pool, ways, clock, structlog.get_logger(), lease=lease)  # type: ignore[arg-type]

    async def destination(self, kind: str, address: str = "", **what: bool) -> None:
        address = address or {"email": "finance@example.org", "webhook": self.hook.url}[kind]
        await self.rows(
            "insert into core.destination (id, kind, address, summaries, alerts, created_at) values ($1, $2, $3, $4, $5, $6)",
            f"{kind}-{address[:8]}", kind, address, what.get("summaries", True), what.get("alerts", False), self.clock.now(),
        )  # fmt: skip

    async def rows(self, sql: str, *values: object) -> list[Any]:
        async with connection(self.owner) as link:
            return list(await link.fetch(sql, *values))

    async def deliveries(self) -> list[tuple[str, int, int]]:
        rows = await self.rows("select state, attempts, unseen from core.delivery order by notification, destination")
        return [tuple(row.values()) for row in rows]

    def later(self, **more: float) -> None:
        self.clock.advance(timedelta(**more).total_seconds())


@pytest.fixture(scope="session")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def servers(own_authority: Path) -> Iterator[tuple[MailServer, Receiver]]:
    with mail_server("starttls", "pass word", own_authority) as mail, receiver() as hook:
        yield mail, hook


@pytest.fixture
async def told(
    database: Database, servers: tuple[MailServer, Receiver], own_authority: Path
) -> AsyncIterator[Told]:  # fmt: skip
    mail, hook = servers
    settings = SmtpSettings(
        host="127.0.0.1", port=mail.port, ca_file=own_authority, user="millrace", password=Secret("pass word"), sender="millrace@example.org"
    )  # fmt: skip
    pool = await open_pool(database.url("console"), name="console", size=4)
    owner = await open_pool(database.owner_url, name="test owner", size=2)
    opened = Told(pool, owner, FixedClock(NOW), mail, hook, settings)
    yield opened
    for one in opened.webhooks:
        await one.aclose()
    await close_pool(pool)
    await close_pool(owner)
