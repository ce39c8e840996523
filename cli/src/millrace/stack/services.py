"""The declared services: the one list that the supervisor, `compose.yaml` and the documentation agree on."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

Role = Literal["service", "console", "broker"]

MIGRATIONS = "migrations"
TOPICS = "topics"
INFRASTRUCTURE = ("kafka", "postgres", "valkey")
NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Service:
    """One process of ours: what it runs, where it listens, what must be ready before it.

    In `environment`, `{port:name}` stands for the port of another service, `{home}` for the folder of the stack, `{secret:name}` for a
    file with a secret of its own, made when it is not there, and `{text:name}` for what stands in such a file.
    """

    name: str
    module: str
    port: int
    role: Role = "service"
    needs: tuple[str, ...] = (TOPICS,)
    environment: Mapping[str, str] = field(default_factory=lambda: NO_ENVIRONMENT)
    migrations: str | None = None
    demo: bool = False
    """Whether it is there for the demo alone; it then uses none of the stack's servers."""
    with_demo: Mapping[str, str] = field(default_factory=lambda: NO_ENVIRONMENT)
    """What it is told besides when the demo runs."""
    demo_needs: tuple[str, ...] = ()
    scales: bool = False
    """Whether it runs as several processes when asked: all it knows is in Kafka, PostgreSQL and Valkey."""
    replica_of: str = ""
    """The service of which this is one more process; empty for the first."""


WRITER = "writer-"
SANDBOX = "sandbox"
# The step that asks the sandbox for the application it has registered for us.
SANDBOX_CLIENTS = "sandbox-clients"
# The stand-ins for the vendors, and the address under which they call us.
_AT_THE_SANDBOX: Mapping[str, str] = MappingProxyType(
    {
        "MILLRACE_ZOHO_BASE_URL": "http://127.0.0.1:{port:sandbox}/zoho",
        "MILLRACE_MAILCHIMP_BASE_URL": "http://127.0.0.1:{port:sandbox}/mailchimp",
        "MILLRACE_SHOPIFY_BASE_URL": "http://127.0.0.1:{port:sandbox}/shopify",
        "MILLRACE_QUICKBOOKS_BASE_URL": "http://127.0.0.1:{port:sandbox}/quickbooks",
        "MILLRACE_PUBLIC_URL": "http://127.0.0.1:{port:ingest}",
    }
)
_OUR_APPLICATION: Mapping[str, str] = MappingProxyType(
    {
        "MILLRACE_CONSENT_URL": "http://127.0.0.1:{port:token-broker}",
        "MILLRACE_ZOHO_CLIENT_ID": "{text:sandbox/zoho-client-id}",
        "MILLRACE_ZOHO_CLIENT_SECRETS_FILE": "{home}/secrets/sandbox/zoho-client-secrets",
        "MILLRACE_MAILCHIMP_CLIENT_ID": "{text:sandbox/mailchimp-client-id}",
        "MILLRACE_MAILCHIMP_CLIENT_SECRET_FILE": "{home}/secrets/sandbox/mailchimp-client-secret",
        "MILLRACE_SHOPIFY_CLIENT_ID": "{text:sandbox/shopify-client-id}",
        "MILLRACE_SHOPIFY_CLIENT_SECRET_FILE": "{home}/secrets/sandbox/shopify-client-secret",
        "MILLRACE_QUICKBOOKS_CLIENT_ID": "{text:sandbox/quickbooks-client-id}",
        "MILLRACE_QUICKBOOKS_CLIENT_SECRET_FILE": "{home}/secrets/sandbox/quickbooks-client-secret",
    }
)


def _asks_the_broker(name: str) -> Mapping[str, str]:
    """Where the token-broker is, and the key by which it knows this service."""
    return {
        "MILLRACE_TOKEN_BROKER_URL": "http://127.0.0.1:{port:token-broker}",
        "MILLRACE_SERVICE_KEY_PATH": f"{{secret:{name}.key}}",
    }


SERVICES: tuple[Service, ...] = (
    Service(SANDBOX, "sandbox", 18310, needs=(), demo=True),
    Service(
        "token-broker",
        "token_broker",
        18302,
        role="broker",
        migrations="token_broker.migrate",
        with_demo={**_AT_THE_SANDBOX, **_OUR_APPLICATION},
        demo_needs=(SANDBOX_CLIENTS,),
    ),
    Service(
        "console",
        "console",
        18300,
        role="console",
        environment={**_asks_the_broker("console"), "MILLRACE_API_TOKEN_PATH": "{secret:console-api.token}"},
        with_demo=_AT_THE_SANDBOX,
    ),
    Service(
        "ingest",
        "ingest",
        18301,
        environment=_asks_the_broker("ingest"),
        with_demo=_AT_THE_SANDBOX,
        scales=True,
    ),
    Service("mapper", "mapper", 18303, with_demo=_AT_THE_SANDBOX, scales=True),
    Service(
        "writer-mailchimp",
        "writer_mailchimp",
        18304,
        environment=_asks_the_broker("writer-mailchimp"),
        with_demo=_AT_THE_SANDBOX,
        scales=True,
    ),
    Service(
        "writer-zoho",
        "writer_zoho",
        18305,
        environment=_asks_the_broker("writer-zoho"),
        with_demo=_AT_THE_SANDBOX,
        scales=True,
    ),
    Service(
        "writer-quickbooks",
        "writer_quickbooks",
        18306,
        environment=_asks_the_broker("writer-quickbooks"),
        with_demo=_AT_THE_SANDBOX,
        scales=True,
    ),
)


def writers() -> Mapping[str, str]:
    """The writer services, and the vendor or family of vendors that each writes to."""
    names = [service.name for service in SERVICES]
    return {name: name.removeprefix(WRITER) for name in names if name.startswith(WRITER)}


def declared(*, demo: bool, extra: Path | None = None) -> tuple[Service, ...]:
    """The services of this stack; `extra` names others in their place, for the tests of the stack itself."""
    if extra is not None:
        return read_services(extra)
    return tuple(_in_the_demo(service) if demo else service for service in SERVICES if demo or not service.demo)


def _in_the_demo(service: Service) -> Service:
    environment = {**service.environment, **service.with_demo}
    return replace(service, environment=environment, needs=(*service.needs, *service.demo_needs))


def read_services(path: Path) -> tuple[Service, ...]:
    try:
        tables = tomllib.loads(path.read_text())["service"]
        return tuple(Service(**{**table, "needs": tuple(table.get("needs", (TOPICS,)))}) for table in tables)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise CommandError(f"{path} does not declare services: {wrong}.", code=ExitCode.USAGE) from wrong
