"""How to reach the brokers: one value from the settings, in the words of each client library."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Protocol

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from common.secret import Secret


class _KafkaSettings(Protocol):
    """The part of a service's settings that is about Kafka."""

    @property
    def kafka_bootstrap_servers(self) -> str: ...
    @property
    def kafka_security_protocol(self) -> str: ...
    @property
    def kafka_sasl_mechanism(self) -> str: ...
    @property
    def kafka_sasl_username(self) -> str: ...
    @property
    def kafka_sasl_password(self) -> Secret: ...


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Brokers and how to sign in to them."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_username: str = ""
    sasl_password: Secret = field(default_factory=lambda: Secret(""))

    @classmethod
    def of(cls, settings: _KafkaSettings) -> KafkaAddress:
        """The address that the environment gave."""
        return cls(
            settings.kafka_bootstrap_servers,
            settings.kafka_security_protocol,
            settings.kafka_sasl_mechanism,
            settings.kafka_sasl_username,
            settings.kafka_sasl_password,
        )

    def client_options(self) -> dict[str, Any]:
        """The arguments that aiokafka's producer, consumer and admin client share."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context()
        if self.security_protocol.startswith("SASL_"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.reveal()
        return options

    def security(self) -> BaseSecurity | None:
        """The same in FastStream's words; None for a plain connection."""
        encrypted = self.security_protocol.endswith("SSL")
        context = ssl.create_default_context() if encrypted else None
        if not self.security_protocol.startswith("SASL_"):
            return BaseSecurity(ssl_context=context, use_ssl=True) if encrypted else None
        mechanism = {"SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}.get(
            self.sasl_mechanism, SASLPlaintext
        )
        return mechanism(
            username=self.sasl_username, password=self.sasl_password.reveal(), ssl_context=context, use_ssl=encrypted
        )
