"""One command starts everything, another stops all of it, and the data stays."""

from __future__ import annotations

import socket
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from tests.support.command import Millrace, with_service

PARTS = {"kafka", "postgres", "valkey", "echo"}


def connects(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


async def remember(millrace: Millrace, word: str) -> None:
    """Write the word to all three servers and have each acknowledge it."""
    parts = millrace.status()["parts"]
    admin = AIOKafkaAdminClient(bootstrap_servers=parts["kafka"]["address"])
    await admin.start()
    try:
        if "memory" not in await admin.list_topics():
            await admin.create_topics([NewTopic("memory", 1, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=parts["kafka"]["address"], enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait("memory", word.encode(), partition=0)
    finally:
        await producer.stop()
    link = await asyncpg.connect(parts["postgres"]["url"])
    try:
        await link.execute("create table if not exists public.memory (word text)")
        await link.execute("insert into public.memory values ($1)", word)
    finally:
        await link.close()
    valkey = Redis.from_url(parts["valkey"]["url"])
    try:
        await valkey.rpush("memory", word)
    finally:
        await valkey.aclose()


async def recall(millrace: Millrace) -> list[list[str]]:
    """The words that each server still knows, in order."""
    parts = millrace.status()["parts"]
    consumer = AIOKafkaConsumer(bootstrap_servers=parts["kafka"]["address"], auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition("memory", 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        words = [(await consumer.getone()).value.decode() for _ in range(end)]
    finally:
        await consumer.stop()
    link = await asyncpg.connect(parts["postgres"]["url"])
    try:
        rows = [row["word"] for row in await link.fetch("select word from public.memory order by ctid")]
    finally:
        await link.close()
    valkey = Redis.from_url(parts["valkey"]["url"])
    try:
        keys = [word.decode() for word in await valkey.lrange("memory", 0, -1)]
    finally:
        await valkey.aclose()
    return [words, rows, keys]


class TestUp:
    def test_status_names_every_part_with_its_address(self, running: Millrace) -> None:
        status = running.wait_until_up()
        assert status["home"] == str(running.home)
        assert set(status["parts"]) == PARTS
        for part in status["parts"].values():
            assert part["ready"] is True
            assert part["pid"] > 0
            assert part["version"]
            assert connects(part["address"])
        assert running.run("status").returncode == 0

    async def test_the_database_waits_for_its_disk(self, running: Millrace) -> None:
        link = await asyncpg.connect(running.status()["parts"]["postgres"]["url"])
        try:
            found = [
                await link.fetchval(f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")
            ]
        finally:
            await link.close()
        assert found == ["on", "on", "on"]

    def test_a_second_up_says_that_it_is_already_running(self, running: Millrace) -> None:
        before = running.process("kafka")
        again = running.up()
        assert "already running" in again.stdout
        assert running.process("kafka") == before

    def test_the_service_is_told_its_own_role_and_the_broker(self, running: Millrace) -> None:
        import httpx

        parts = running.status()["parts"]
        told = httpx.get(parts["echo"]["url"], timeout=60).json()
        assert told == {"kafka": parts["kafka"]["address"], "user": "millrace_service"}

    def test_passwords_lie_in_files_that_only_the_owner_reads(self, running: Millrace) -> None:
        files = [path for path in (running.home / "secrets").rglob("*") if path.is_file()]
        assert {"admin", "owner", "service", "console", "broker"} <= {path.name for path in files}
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}

    def test_logs_are_shown_by_part(self, running: Millrace) -> None:
        shown = running.run("logs", "postgres", "-n", "500")
        assert "ready to accept connections" in shown.stdout
        unknown = running.run("logs", "nonesuch")
        assert unknown.returncode == 3
        assert "kafka" in unknown.stderr

    def test_servers_listen_on_the_loopback_address_alone(self, running: Millrace) -> None:
        ports = {f"{int(part['address'].rpartition(':')[2]):04X}" for part in running.status()["parts"].values()}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
        listening = [row[1].split(":") for row in rows if row[3] == "0A"]
        hosts = {host for host, port in listening if port in ports}
        # 127.0.0.1, and the same as an IPv6 address: Java listens so.
        assert hosts <= {"0100007F", "0000000000000000FFFF00000100007F"}

    def test_another_stack_runs_beside_it_on_the_next_free_ports(self, running: Millrace, tmp_path: Path) -> None:
        home = tmp_path / "second"
        second = Millrace(home, with_service(home), ports=running.ports)
        try:
            second.up()
            first_parts, second_parts = running.status()["parts"], second.status()["parts"]
            first = {part["address"] for part in first_parts.values()}
            assert first.isdisjoint(part["address"] for part in second_parts.values())
            second.run("down")
            running.wait_until_up()
        finally:
            second.run("down")


class TestDown:
    async def test_nothing_is_left_and_the_data_is_there_again(self, running: Millrace) -> None:
        await remember(running, "before")
        addresses = [part["address"] for part in running.status()["parts"].values()]
        assert running.run("down").returncode == 0
        assert running.processes() == []
        assert not any(connects(address) for address in addresses)
        down = running.run("status")
        assert down.returncode == 3
        assert "down" in down.stdout
        running.up()
        assert await recall(running) == [["before"]] * 3

    def test_a_second_down_has_nothing_to_do(self, fresh: Millrace) -> None:
        done = fresh.run("down")
        assert done.returncode == 0
        assert "Nothing was running" in done.stdout
        assert not fresh.home.exists()
