"""What a program that only speaks to Kafka is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from common.secret import Secret
from common.settings import ServiceSettings, Settings

_fields: Mapping[str, Any] = ServiceSettings.model_fields


class KafkaOnlySettings(Settings):
    """The brokers, with the same names and meanings as in every service."""

    kafka_bootstrap_servers: str = _fields["kafka_bootstrap_servers"]
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _fields[
        "kafka_security_protocol"
    ]
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _fields["kafka_sasl_mechanism"]
    kafka_sasl_username: str = _fields["kafka_sasl_username"]
    kafka_sasl_password: Secret = _fields["kafka_sasl_password"]
