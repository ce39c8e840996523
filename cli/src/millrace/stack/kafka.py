"""Apache Kafka: one KRaft node that is broker and controller, from plain jars."""

from __future__ import annotations

import base64
import re
import shutil
import signal
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from millrace.stack.class_archive import ClassArchive
from millrace.stack.home import Home, half_written, write_atomically
from millrace.stack.jars import JarStore
from millrace.stack.java import Java
from millrace.stack.parts import Command, NotOurs, run_tool
from millrace.stack.ports import HOST, PortRange
from millrace.stack.probes import kafka_cluster

DEFAULT_PORT = 18392
DEFAULT_CONTROLLER_PORT = 18393
HEAP = "384m"

# One node has nobody to fail over to, so a long session only delays it when it comes back after a kill -9: it waits
# for the end of its own old session (13 s with the defaults, 6 s with these).
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.election.timeout.ms": "500",
    # A record twice a second that says nothing, so that followers see the time pass; there are none.
    "metadata.max.idle.interval.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.segment.bytes": "67108864",
    # Threads that wait wake several times a second, and two cores serve no more of them at once.
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
    "group.coordinator.threads": "1",
    "share.coordinator.threads": "1",
}

LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.common.config" level="WARN"/>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
    <!-- Several lines for each partition at each start: thousands of them, and a second of work. -->
    <Logger name="org.apache.kafka.controller" level="WARN"/>
    <Logger name="org.apache.kafka.storage.internals.log" level="WARN"/>
    <Logger name="org.apache.kafka.coordinator" level="WARN"/>
    <Logger name="kafka.log" level="WARN"/>
    <Logger name="kafka.cluster" level="WARN"/>
    <Logger name="state.change.logger" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


@dataclass
class Kafka:
    """The broker process, its folder and its cluster id."""

    home: Home
    java: Java
    jars: JarStore
    environment: Mapping[str, str] = field(repr=False)
    port: int = 0
    controller_port: int = 0
    name: str = "kafka"
    needs: tuple[str, ...] = ()
    start_seconds: float = 90
    stop_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def folder(self) -> Path:
        return self.home.part_folder(self.name)

    @property
    def _meta(self) -> Path:
        return self.folder / "meta.properties"

    def choose_ports(self, ports: PortRange) -> None:
        self.port = ports.pick(DEFAULT_PORT)
        self.controller_port = ports.pick(DEFAULT_CONTROLLER_PORT)

    async def prepare(self) -> None:
        write_atomically(self.home.run / "kafka-log4j2.xml", LOGGING)
        if self.folder.exists() and not self._meta.exists():
            raise half_written(self.folder, "Kafka's meta.properties is missing")
        if not self.folder.exists():
            await self._format()
        write_atomically(self.home.run / "kafka.properties", self._properties(self.folder))
        await self._archive.prepare(self.home.log(self.name))

    async def _format(self) -> None:
        """Format beside the final place and move it there in one step, so that a kill leaves no half of it."""
        fresh = self.folder.with_name("kafka.new")
        shutil.rmtree(fresh, ignore_errors=True)
        properties = self.home.run / "kafka-format.properties"
        write_atomically(properties, self._properties(fresh))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # `=` because an id may start with a dash.
        words = ["format", "--standalone", f"--cluster-id={cluster}", "-c", str(properties)]
        java = self._java(["-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool", *words)
        await run_tool(java, self.home.log(self.name), 60, self.home)
        fresh.chmod(0o700)
        fresh.rename(self.folder)

    def command(self) -> Command:
        options = [
            f"-Xmx{HEAP}",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-XX:ReservedCodeCacheSize=64m",
            # What the second compiler makes is quicker, and is ready when a stack of this size has long done its work: a message costs
            # a third without it in the first minutes, and rest a percent of a core less.
            "-XX:TieredStopAtLevel=1",
            # Counters in a file that nobody reads, sampled twenty times a second.
            "-XX:-UsePerfData",
            *self._archive.options(),
        ]
        return self._java(options, "kafka.Kafka", str(self.home.run / "kafka.properties"))

    def _java(self, options: list[str], main: str, *words: str) -> Command:
        logging = f"-Dlog4j2.configurationFile={self.home.run / 'kafka-log4j2.xml'}"
        argv: list[str | Path] = [self.java.path, *self.java.flags(), *options, "-Djava.awt.headless=true", logging]
        return Command([*argv, "-cp", self.jars.classpath(), main, *words], self.environment)

    def _properties(self, log_folder: Path) -> str:
        own = {
            "listeners": f"BROKER://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"BROKER://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "controller.quorum.bootstrap.servers": f"{HOST}:{self.controller_port}",
            "log.dirs": str(log_folder),
        }
        return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **own}.items())

    def early(self) -> None:
        """It needs nothing, so nothing is gained."""

    async def probe(self, pid: int) -> str | None:
        cluster = await kafka_cluster(self.port)
        if cluster is None:
            return None
        if cluster != self.cluster_id():
            raise NotOurs(f"another Kafka cluster ({cluster}) answers on {HOST}:{self.port}")
        return self.jars.kafka_version

    def cluster_id(self) -> str | None:
        found = re.search(r"^cluster\.id=(\S+)", self._meta.read_text(), re.MULTILINE)
        return found.group(1) if found else None

    async def responds(self) -> bool:
        """A server that is merely busy must never be killed for it."""
        return True

    def facts(self) -> dict[str, str]:
        return {"address": f"{HOST}:{self.port}"}

    def after_stop(self) -> None:
        self._archive.adopt()

    @property
    def _archive(self) -> ClassArchive:
        return ClassArchive(self.home, self.java, self.jars.folder.parent, self.jars.classpath(), self.environment)
