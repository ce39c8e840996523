"""The settings every service shares; the environment is read here and in the services' own `settings.py` only.

Third-party names are kept as they are, ours start with MILLRACE_, every secret is also read from `<NAME>_FILE`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from common.environment import ConfigurationError, Variable, explain, read, variables
from common.retention import Retention
from common.secret import Secret, SecretUrl

__all__ = [
    "ConfigurationError",
    "KafkaSettings",
    "Retention",
    "Secret",
    "SecretUrl",
    "ServiceSettings",
    "Settings",
    "load",
]

_BASE_URL = "_base_url"

# Read by the command line, the tests and the tools alone; named here so that no service takes them for a typing error.
TOOL_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "MILLRACE_CONTEXT": "Which installation the command line speaks to.",
        "MILLRACE_JAR_REPOSITORY": "Another Maven repository for Kafka's jars.",
        "MILLRACE_PORT_RANGE": "The ports the local stack may take, first-last.",
        "MILLRACE_SCALE": "How many processes services of the local stack run as: mapper=2,writer-mailchimp=2.",
        "MILLRACE_SPECS": "Where the tests find the vendors' own descriptions.",
        "MILLRACE_TEST_CHROMIUM": "The browser of the browser tests.",
        "MILLRACE_TEST_SERVICES": "A file of services that only the tests of the local stack start.",
        "MILLRACE_TEST_STACK": "The home of a running stack for the tests to reuse.",
    }
)


def _address(value: object) -> object:
    if isinstance(value, str) and not value.startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    return value.rstrip("/") if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Address = Annotated[str, BeforeValidator(_address)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]


S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Described, validated, frozen values; built from the environment by `load` and from arguments in tests."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` reads the environment by our rules; the constructor takes arguments and nothing behind their back.
        return (init_settings,)

    @classmethod
    def variables(cls) -> tuple[Variable, ...]:
        """The environment variables this class understands."""
        return tuple(variables(cls))

    def redacted(self) -> dict[str, object]:
        """Every setting by its variable's name, as it may be shown."""
        return {variable.name: _shown(self._at(variable.path)) for variable in self.variables()}

    def _at(self, path: tuple[str, ...]) -> object:
        value: object = self
        for step in path:
            value = getattr(value, step)
        return value


class KafkaSettings(Settings):
    """Where the brokers are and how to speak to them."""

    kafka_bootstrap_servers: str = Field(
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        min_length=1,
        description="Kafka brokers to start from, host:port, several with commas.",
        examples=["127.0.0.1:9092"],
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT",
        validation_alias="KAFKA_SECURITY_PROTOCOL",
        description="How to speak to the brokers.",
        examples=["SASL_SSL"],
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN",
        validation_alias="KAFKA_SASL_MECHANISM",
        description="How to sign in to the brokers, when the protocol is a SASL one.",
        examples=["SCRAM-SHA-512"],
    )
    kafka_sasl_username: str = Field(
        "", validation_alias="KAFKA_SASL_USERNAME", description="Who signs in to the brokers.", examples=["millrace"]
    )
    kafka_sasl_password: Secret = Field(
        Secret(""), validation_alias="KAFKA_SASL_PASSWORD", description="The password for the brokers."
    )


class ServiceSettings(KafkaSettings):
    """What every service is told; a service adds its own in a subclass in its `settings.py`."""

    kafka_session_timeout_s: float = Field(
        10.0,
        ge=1,
        le=60,
        validation_alias="KAFKA_SESSION_TIMEOUT_S",
        description="How long a consumer that was killed keeps its partitions before others take them, in seconds.",
        examples=["10"],
    )
    database_url: SecretUrl = Field(
        validation_alias="DATABASE_URL",
        description="Where PostgreSQL is, with the role this service uses.",
        examples=["postgresql://millrace@127.0.0.1:5432/millrace"],
    )
    redis_url: SecretUrl = Field(
        validation_alias="REDIS_URL",
        description="Where Redis or Valkey is; it only keeps the rate meters.",
        examples=["redis://127.0.0.1:6379/0"],
    )
    host: str = Field("127.0.0.1", description="The address this service listens on.", examples=["0.0.0.0"])  # noqa: S104
    port: int = Field(
        0,
        ge=0,
        le=65535,
        validation_alias="PORT",
        description="The port this service listens on; 0 takes a free one and logs it.",
        examples=["8080"],
    )
    internal_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="A port of its own for health and metrics; without it they share PORT.",
        examples=["9080"],
    )
    log_level: LogLevel = Field(
        "info",
        validation_alias="LOG_LEVEL",
        description="The least severe log line that is written.",
        examples=["info"],
    )
    log_format: LogFormat = Field(
        "json", validation_alias="LOG_FORMAT", description="Log lines as JSON or for a person's eye.", examples=["json"]
    )
    no_color: str = Field(
        "", validation_alias="NO_COLOR", description="Any value takes the colours out of the console.", examples=["1"]
    )
    home: Path = Field(Path(".millrace"), description="The folder for local state.", examples=[".millrace"])
    public_url: Address | None = Field(
        None,
        description="The address under which vendors and browsers reach this installation.",
        examples=["https://millrace.example.org"],
    )
    zoho_base_url: Address | None = Field(
        None,
        description="Where Zoho is, all data centres below it; the real hosts when unset.",
        examples=["http://127.0.0.1:8900/zoho"],
    )
    mailchimp_base_url: Address | None = Field(
        None,
        description="Where Mailchimp is; the real hosts when unset.",
        examples=["http://127.0.0.1:8900/mailchimp"],
    )
    quickbooks_base_url: Address | None = Field(
        None,
        description="Where QuickBooks is; the real hosts when unset.",
        examples=["http://127.0.0.1:8900/quickbooks"],
    )
    shopify_base_url: Address | None = Field(
        None, description="Where Shopify is; the real hosts when unset.", examples=["http://127.0.0.1:8900/shopify"]
    )
    redact_fields: tuple[str, ...] = Field(
        (), description="More field names to hide in logs, with commas.", examples=["iban,vat_number"]
    )
    retention: Retention = Field(default_factory=Retention, description="How long what we keep is kept.")
    stack_id: str = Field(
        "", description="Which stack this process belongs to; set by its supervisor.", examples=["a1b2"]
    )
    commit: str = Field(
        "", description="The commit this process was built from; set in the image.", examples=["4bf92f3"]
    )
    otel_service_name: str = Field(
        "", validation_alias="OTEL_SERVICE_NAME", description="The name in traces.", examples=["millrace-ingest"]
    )
    otel_exporter_otlp_endpoint: Address | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Where traces are sent by OTLP over HTTP; tracing is off without it.",
        examples=["http://127.0.0.1:4318"],
    )
    otel_exporter_otlp_headers: Secret = Field(
        Secret(""),
        validation_alias="OTEL_EXPORTER_OTLP_HEADERS",
        description="Headers for the trace collector, name=value with commas; may hold a key.",
    )
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = Field(
        "parentbased_traceidratio",
        validation_alias="OTEL_TRACES_SAMPLER",
        description="Which traces are kept.",
        examples=["parentbased_traceidratio"],
    )
    otel_traces_sampler_arg: float = Field(
        0.05,
        ge=0,
        le=1,
        validation_alias="OTEL_TRACES_SAMPLER_ARG",
        description="The share of traces that is kept by a ratio sampler.",
        examples=["0.05"],
    )
    otel_resource_attributes: str = Field(
        "",
        validation_alias="OTEL_RESOURCE_ATTRIBUTES",
        description="More attributes of every span, name=value with commas.",
        examples=["deployment.environment=production"],
    )
    test: bool = Field(False, description="Marks a process started by tests; failpoints need it.", examples=["1"])
    failpoints: str = Field(
        "",
        description="Faults for tests, name=action separated by semicolons; refused without MILLRACE_TEST=1.",
        examples=["writer.after_intent=kill*1"],
    )
    failpoints_seed: int = Field(0, description="Makes failpoints by probability repeatable.", examples=["7"])
    failpoints_log: Path | None = Field(
        None,
        description="Where failpoints write each hit as a JSON line.",
        examples=["/tmp/failpoints.jsonl"],  # noqa: S108
    )

    @property
    def base_urls(self) -> Mapping[str, str]:
        """The addresses that stand in for a vendor's own hosts, by system: `zoho`, `mailchimp`, ..."""
        names = [name for name in type(self).model_fields if name.endswith(_BASE_URL)]
        addresses = {name.removesuffix(_BASE_URL): getattr(self, name) for name in names}
        return MappingProxyType({system: address for system, address in addresses.items() if address})


def load(cls: type[S], env: Mapping[str, str] | None = None) -> S:
    """The settings the environment gives, or a `ConfigurationError` that says what to do about each problem."""
    values = read(cls, os.environ if env is None else env)
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        # `from None`: the original carries what was typed, which may be a secret.
        raise explain(cls, error) from None


def _shown(value: object) -> object:
    if isinstance(value, Secret):
        return value.masked()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value
