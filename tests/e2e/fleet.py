"""The services as processes, told what the supervisor would tell them: as many replicas of each as a test wants."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.plan import Surroundings
from millrace.stack.service_part import ServicePart
from millrace.stack.services import Service, declared
from tests.e2e.vendors import NO_TLS
from tests.support.ports import free_port
from tests.support.programs import Program, start

STARTS_WITHIN_S = 120.0
# A service drains for at most 25 s.
STOPS_WITHIN_S = 60.0
ROAD = ("ingest", "mapper", "writer-mailchimp")


@dataclass
class Replica:
    """One process of one service."""

    name: str
    port: int
    process: Program
    log: Path
    in_service: bool = False
    """Whether it is ready and nobody has asked it to stop: who balances asks for this."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def answers(self, path: str = "/readyz") -> bool:
        try:
            return httpx.get(self.url + path, timeout=10, verify=NO_TLS, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, within: float = STARTS_WITHIN_S) -> Replica:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and self.alive:
            if self.answers():
                self.in_service = True
                return self
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not start: {self.last_lines()}")

    def died(self, within: float = 60.0) -> int:
        """The exit code of a process that is to end by itself."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} lives on: {self.last_lines()}") from None

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.in_service = False
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
        return self.died(STOPS_WITHIN_S)

    def kill(self) -> None:
        if self.alive:
            self.process.kill()
        self.process.wait(10)

    def last_lines(self, many: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-many:])


@dataclass
class Fleet:
    """Everything that runs of ours; `fronts` are the addresses that others are told, where they are not the service's own."""

    home: Home
    settings: StackSettings
    sandbox_port: int
    more: dict[str, str] = field(default_factory=dict)
    fronts: Mapping[str, int] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = {service.name: service for service in declared(demo=True)}
        self._parts: dict[str, ServicePart] = {}
        self._surroundings = Surroundings(self.home, self.settings, self._parts)
        for name, service in services.items():
            self._parts[name] = ServicePart(
                service, self.home.stack_id(), self._surroundings.of, self._surroundings.inherited
            )
            self._parts[name].port = self.fronts.get(name) or free_port()
        self._parts["sandbox"].port = self.sandbox_port

    def port(self, name: str) -> int:
        """Where others reach the service."""
        return self._parts[name].port

    def service(self, name: str) -> Service:
        return self._parts[name].service

    def environment(self, name: str) -> dict[str, str]:
        return dict(self._surroundings.of(self.service(name)))

    def begin(self, name: str, **more: str) -> Replica:
        """Starts a process and does not wait for it; a second one of a service listens elsewhere."""
        taken = name in self.fronts or any(one.name == name and one.alive for one in self.replicas)
        port = free_port() if taken else self.port(name)
        environment = {**self._parts[name].command().environment, "PORT": str(port), **self.more, **more}
        log = self.home.log(f"{name}-{port}")
        with log.open("ab") as output:
            module = self.service(name).module
            process = start(module, environment=environment, output=output, folder=self.home.root)
        self.replicas.append(Replica(name, port, process, log))
        return self.replicas[-1]

    def start(self, *names: str, **more: str) -> list[Replica]:
        """Starts services at once and waits until all of them are ready."""
        return [one.wait_until_ready() for one in [self.begin(name, **more) for name in names]]

    def of(self, name: str) -> list[Replica]:
        """The living processes of a service."""
        return [one for one in self.replicas if one.name == name and one.alive]

    def one(self, name: str) -> Replica:
        [only] = self.of(name)
        return only

    def stop(self, *names: str) -> None:
        """SIGTERM for all at once; each must end cleanly."""
        leaving = [one for one in self.replicas if one.name in names and one.alive]
        for one in leaving:
            one.process.send_signal(signal.SIGTERM)
        for one in leaving:
            assert one.died(STOPS_WITHIN_S) == 0, f"{one.name} did not stop cleanly: {one.last_lines()}"

    def leave(self) -> None:
        """SIGTERM for everybody, whatever comes of it."""
        for one in self.replicas:
            if one.alive:
                one.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPS_WITHIN_S
        while any(one.alive for one in self.replicas) and time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self) -> None:
        for one in self.replicas:
            one.kill()
