"""What one stack consists of: parts of its own, servers that were given, steps, services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.jars import JarStore
from millrace.stack.java import find_java
from millrace.stack.kafka import Kafka
from millrace.stack.parts import Part
from millrace.stack.postgres import Postgres, find_programs
from millrace.stack.services import INFRASTRUCTURE
from millrace.stack.state import UnitState
from millrace.stack.supervisor import Step
from millrace.stack.valkey import Valkey


@dataclass(frozen=True)
class Plan:
    """Everything that will run, in no order: each names what it needs."""

    parts: Sequence[Part]
    steps: Sequence[Step]
    given: Mapping[str, UnitState] = field(default_factory=dict)

    def units(self) -> dict[str, UnitState]:
        """The first state of every unit, in the order in which people think of them."""
        units = {name: self.given[name] for name in INFRASTRUCTURE if name in self.given}
        parts = {part.name: part for part in self.parts}
        units |= {name: UnitState(name) for name in INFRASTRUCTURE if name in parts}
        units |= {step.name: UnitState(step.name, kind="step") for step in self.steps}
        units |= {name: UnitState(name, kind="service") for name in parts if name not in INFRASTRUCTURE}
        return units


def make_plan(home: Home, settings: StackSettings, given: Mapping[str, UnitState], *, services: bool) -> Plan:
    """Decide what to start; `services=False` leaves it at the infrastructure, as the tests want it."""
    own: dict[str, Part] = {}
    environment = settings.for_servers()
    if "kafka" not in given:
        jars = JarStore.at(settings.cache)
        own["kafka"] = Kafka(home, find_java(settings.environment), jars, environment)
    if "postgres" not in given:
        own["postgres"] = Postgres(home, find_programs(settings.environment), environment)
    if "valkey" not in given:
        own["valkey"] = Valkey(home, environment)
    return Plan(list(own.values()), [], given)
