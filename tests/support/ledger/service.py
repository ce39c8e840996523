"""The ledger's writer, started as often as a test, or a failpoint, ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.bus.connection import KafkaAddress
from common.bus.handler import Delivered
from common.bus.topics_admin import create_topics
from common.contracts.messages import WriteCommand
from common.contracts.topics import changes, commands
from tests.support.bus import plain_producer
from tests.support.database import Database
from tests.support.ledger.process import LedgerProcess
from tests.support.local_stack import LocalStack
from tests.support.programs import Program, start

TOPIC = commands("ledger")


@dataclass
class LedgerService:
    """`python -m tests.support.ledger.writer`, or the mapper that reads two ledgers."""

    stack: LocalStack
    database: Database
    ledger: LedgerProcess
    broker_url: str
    folder: Path
    module: str = "tests.support.ledger.writer"
    running: list[Program] = field(default_factory=list)
    deaths: int = 0

    def start(self, **settings: str) -> None:
        key = self.folder / "key"
        key.write_text("k")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")},
            "DATABASE_URL": self.database.url("service"),
            "REDIS_URL": self.stack.valkey_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka,
            "PORT": "0",
            # A member that was killed is in its group until its session ends.
            "KAFKA_SESSION_TIMEOUT_S": "1.5",
            "MILLRACE_TEST": "1",
            "MILLRACE_HOME": str(self.folder),
            "MILLRACE_TOKEN_BROKER_URL": self.broker_url,
            "MILLRACE_SERVICE_KEY_PATH": str(key),
            **({} if self.module.endswith("mapper") else {"MILLRACE_LEDGER_BASE_URL": self.ledger.url}),
            **settings,
        }
        with self._log.open("ab") as log:
            self.running.append(start(self.module, environment=environment, output=log))

    def ended(self) -> int:
        """How many have ended since it was asked last."""
        # Asked once each: one that ends between two questions would be neither gone nor running.
        gone = [one for one in self.running if one.poll() is not None]
        self.running = [one for one in self.running if one not in gone]
        self.deaths += sum(one.returncode == -signal.SIGKILL for one in gone)
        return len(gone)

    @property
    def log(self) -> str:
        return self._log.read_text()[-4000:]

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.module.rpartition('.')[2]}.log"

    def stop(self) -> None:
        for one in self.running:
            one.kill()
            one.wait(10)

    async def publish(self, batch: Sequence[Delivered[WriteCommand]]) -> None:
        """As the mapper does: by sync, entity and record."""
        # What the ledger tells of itself is consumed by its writer too, which writes nothing before both topics are there (R27).
        await create_topics(KafkaAddress(self.stack.kafka), [TOPIC, changes("ledger")])
        async with plain_producer(self.stack.kafka) as producer:
            for item in batch:
                one = item.message
                key = f"{one.sync}:{one.entity}:{one.record}".encode()
                await producer.send(TOPIC.name, one.model_dump_json().encode(), key=key)
            await producer.flush()
