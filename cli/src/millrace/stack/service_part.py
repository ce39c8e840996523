"""A declared service as a part of the stack."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from millrace.stack.parts import Command, NotOurs
from millrace.stack.ports import HOST, PortRange
from millrace.stack.probes import http_get
from millrace.stack.services import Service

# What a service is told of the servers it uses; asked when it is started, because ports are chosen late.
Surroundings = Callable[[Service], Mapping[str, str]]


@dataclass
class ServicePart:
    """Runs `python -m <module>`; ready when its own port says so in this stack's name."""

    service: Service
    stack_id: str
    surroundings: Surroundings = field(repr=False)
    inherited: Mapping[str, str] = field(repr=False)
    """What its imports may see; the rest is told when it runs."""
    needs: tuple[str, ...] = ()
    port: int = 0
    start_seconds: float = 60
    stop_seconds: float = 28  # a service drains for at most 25 s
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def name(self) -> str:
        return self.service.name

    def choose_ports(self, ports: PortRange) -> None:
        self.port = ports.pick(self.service.port)

    async def prepare(self) -> None:
        """A service prepares itself."""

    def command(self) -> Command:
        environment = {**self.surroundings(self.service), "PORT": str(self.port)}
        return Command([sys.executable, "-m", self.service.module], environment)

    def early(self) -> Command | None:
        if not self.needs:
            return None
        return Command([sys.executable, "-m", "millrace.stack.prepared", self.service.module], self.inherited)

    async def probe(self, pid: int) -> str | None:
        ready = await http_get(self.port, "/readyz")
        if ready is None or ready[0] != 200:
            return None
        answer = await http_get(self.port, "/version")
        if answer is None or answer[0] != 200:
            return None
        version = _document(answer[1])
        if version.get("pid") != pid or version.get("stack_id") != self.stack_id:
            raise NotOurs(f"another program answers on {HOST}:{self.port}")
        return str(version.get("version", "unknown"))

    def after_stop(self) -> None:
        """Nothing is left to do."""

    async def responds(self) -> bool:
        return await http_get(self.port, "/livez") is not None

    def facts(self) -> Mapping[str, str]:
        return {"address": f"{HOST}:{self.port}", "url": f"http://{HOST}:{self.port}"}


def _document(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
