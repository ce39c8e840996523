"""What one stack consists of: parts of its own, servers that were given, steps, services."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.jars import JarStore
from millrace.stack.java import find_java
from millrace.stack.kafka import Kafka
from millrace.stack.parts import StackPart
from millrace.stack.postgres import DATABASE, PASSWORDS, Postgres, Role, find_programs, login, password
from millrace.stack.sandbox_clients import remember_clients
from millrace.stack.scale import scaled
from millrace.stack.secrets import secret_file
from millrace.stack.service_part import ServicePart
from millrace.stack.services import INFRASTRUCTURE, MIGRATIONS, SANDBOX, SANDBOX_CLIENTS, TOPICS, Service, declared
from millrace.stack.state import UnitState
from millrace.stack.steps import EarlyModule, ModuleRun, create_database
from millrace.stack.supervisor import SupervisorStep
from millrace.stack.valkey import Valkey

DATABASE_STEP = "database"
MIGRATE_MODULE = "common.state.migrate"
TOPICS_MODULE = "millrace.topic_setup"
ROLES: tuple[Role, ...] = ("service", "console", "broker")


@dataclass(frozen=True)
class Plan:
    """Everything that will run, in no order: each names what it needs."""

    parts: Sequence[StackPart]
    steps: Sequence[SupervisorStep]
    given: Mapping[str, UnitState] = field(default_factory=dict)

    def units(self) -> dict[str, UnitState]:
        """The first state of every unit, in the order in which people think of them."""
        units = {name: self.given.get(name) or UnitState(name) for name in INFRASTRUCTURE}
        units |= {step.name: UnitState(step.name, kind="step") for step in self.steps}
        services = [part.name for part in self.parts if part.name not in INFRASTRUCTURE]
        return units | {name: UnitState(name, kind="service") for name in services}


class Surroundings:
    """What the processes of ours are told of the servers; asked at their start, when ports are known."""

    def __init__(self, home: Home, settings: StackSettings, parts: Mapping[str, StackPart]) -> None:
        self._home = home
        self._settings = settings
        self._parts = parts

    @property
    def inherited(self) -> dict[str, str]:
        """What a process of ours may see before it is told the rest."""
        return self._settings.for_services()

    def of(self, service: Service) -> dict[str, str]:
        environment = self.base(service.role) | {"OTEL_SERVICE_NAME": f"millrace-{service.replica_of or service.name}"}
        answer = {name: self._filled(value) for name, value in service.environment.items()}
        # Whoever is told a secret in a file must not be told another one beside it.
        answered = {name.removesuffix("_FILE") for name in answer if name.endswith("_FILE")}
        return {name: value for name, value in environment.items() if name not in answered} | answer

    def base(self, role: Role) -> dict[str, str]:
        return {
            **self._settings.for_services(),
            "DATABASE_URL": self.database_url(role),
            "KAFKA_BOOTSTRAP_SERVERS": self._settings.kafka_bootstrap_servers
            or self._parts["kafka"].facts()["address"],
            "REDIS_URL": self._settings.redis_url or self._parts["valkey"].facts()["url"],
            "MILLRACE_HOME": str(self._home.root),
        }

    def database_url(self, role: Role) -> str:
        if self._settings.database_url is None:
            postgres = self._parts["postgres"]
            assert isinstance(postgres, Postgres)
            return postgres.url(role, DATABASE)
        if role == "owner":
            return self._settings.database_url
        given = urlsplit(self._settings.database_url)
        address = given.netloc.rpartition("@")[2]
        user = f"{login(role)}:{quote(password(self._home, role))}"
        return urlunsplit(given._replace(netloc=f"{user}@{address}"))

    def _filled(self, value: str) -> str:
        """`{port:name}`, `{secret:name}` (a file), `{text:name}` (what is in it) and `{home}` in a declared value."""
        value = value.replace("{home}", str(self._home.root))
        value = re.sub(r"\{text:([\w/.-]+)\}", lambda m: (self._home.secrets / m[1]).read_text().strip(), value)
        value = re.sub(r"\{secret:([\w/.-]+)\}", lambda m: str(secret_file(self._home, m[1])), value)
        return re.sub(r"\{port:([\w-]+)\}", lambda m: self._port_of(m[1]), value)

    def _port_of(self, name: str) -> str:
        return self._parts[name].facts()["address"].rpartition(":")[2]


def make_plan(home: Home, settings: StackSettings, given: Mapping[str, UnitState], *, services: bool) -> Plan:
    """Decide what to start; `services=False` leaves it at the infrastructure, as the tests want it."""
    parts = _servers(home, settings, given, migrated=services)
    if not services:
        return Plan(list(parts.values()), [], given)
    surroundings = Surroundings(home, settings, parts)
    chosen = scaled(declared(demo=settings.demo, extra=settings.extra_services), settings.scale)
    for service in chosen:
        parts[service.name] = ServicePart(
            service, home.stack_id(), surroundings.of, surroundings.inherited, _needs(service)
        )
    return Plan(list(parts.values()), _steps(home, surroundings, parts, chosen), given)


def _servers(
    home: Home, settings: StackSettings, given: Mapping[str, UnitState], *, migrated: bool
) -> dict[str, StackPart]:
    environment = settings.for_servers()
    parts: dict[str, StackPart] = {}
    if "kafka" not in given:
        parts["kafka"] = Kafka(home, find_java(settings.environment), JarStore.at(settings.cache), environment)
    if "postgres" not in given:
        parts["postgres"] = Postgres(home, find_programs(settings.environment), environment, migrated)
    if "valkey" not in given:
        parts["valkey"] = Valkey(home, environment)
    return parts


def _needs(service: Service) -> tuple[str, ...]:
    if service.demo:
        return service.needs
    return tuple(dict.fromkeys((*INFRASTRUCTURE, MIGRATIONS, TOPICS, *service.needs)))


def _steps(
    home: Home, surroundings: Surroundings, parts: Mapping[str, StackPart], chosen: Sequence[Service]
) -> list[SupervisorStep]:
    steps = []
    postgres = parts.get("postgres")
    if isinstance(postgres, Postgres):
        steps.append(SupervisorStep(DATABASE_STEP, ("postgres",), lambda: create_database(postgres)))

    async def migrate() -> None:
        folder = secret_file(home, f"{PASSWORDS}/owner").parent
        for role in ROLES:
            secret_file(home, f"{PASSWORDS}/{role}")
        await ModuleRun(
            home, MIGRATIONS, MIGRATE_MODULE, surroundings.base("owner"), ("--role-passwords", str(folder))
        )()
        for service in chosen:
            if service.migrations:
                await ModuleRun(home, MIGRATIONS, service.migrations, surroundings.base(service.role))()

    early = EarlyModule(home, TOPICS, TOPICS_MODULE, surroundings.inherited)

    async def topics() -> None:
        await early.run(surroundings.base("service"))

    steps.append(SupervisorStep(MIGRATIONS, ("postgres", DATABASE_STEP), migrate))
    steps.append(SupervisorStep(TOPICS, ("kafka",), topics, early.begin))
    sandbox = parts.get(SANDBOX)
    if sandbox is not None:
        steps.append(
            SupervisorStep(SANDBOX_CLIENTS, (SANDBOX,), lambda: remember_clients(home, sandbox.facts()["url"]))
        )
    return steps
