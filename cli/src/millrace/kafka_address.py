"""Which Kafka a command speaks to: the one in the environment, or else the local stack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.status import fact_of

if TYPE_CHECKING:
    from common.bus.connection import KafkaAddress


def kafka_address(settings: StackSettings | None = None) -> KafkaAddress:
    """The brokers, with how to sign in to them."""
    from common.bus.connection import KafkaAddress
    from common.bus.settings import KafkaOnlySettings
    from common.environment import ConfigurationError
    from common.settings import load

    settings = settings or StackSettings.from_environment()
    servers = settings.kafka_bootstrap_servers or _local(Home(settings.home))
    try:
        return KafkaAddress.of(load(KafkaOnlySettings, {**settings.environment, "KAFKA_BOOTSTRAP_SERVERS": servers}))
    except ConfigurationError as wrong:
        raise CommandError(str(wrong), code=ExitCode.USAGE) from wrong


def _local(home: Home) -> str:
    address = fact_of(home, "kafka", "address")
    if address is None:
        raise CommandError(
            f"No Kafka runs in {home.root}.",
            "Start it with `millrace up`, or name yours with KAFKA_BOOTSTRAP_SERVERS.",
            ExitCode.UNREACHABLE,
        )
    return address
