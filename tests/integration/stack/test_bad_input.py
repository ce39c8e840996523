"""Each wrong start: one clear message, a code that is not 0, and nothing that stays half-started."""

from __future__ import annotations

import functools
import http.server
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from millrace.stack.jars import LIST, read_list
from tests.support.command import Millrace
from tests.support.local_stack import LocalStack, free_range

NOWHERE = "127.0.0.1:9"


def refused(millrace: Millrace, code: int, *words: str, **environment: str) -> str:
    """`up` must end with the code, say the words in one error, and leave nothing behind."""
    done = millrace.run("up", **environment)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert millrace.processes() == []
    return done.stderr


@contextmanager
def listener(port: int = 0) -> Iterator[int]:
    """Somebody else's server: it accepts, and says nothing."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


class TestWrongAddresses:
    def test_no_database_at_the_address(self, fresh: Millrace) -> None:
        said = refused(fresh, 7, "DATABASE_URL", NOWHERE, DATABASE_URL=f"postgresql://me:sesame@{NOWHERE}/db")
        assert "sesame" not in said

    def test_a_database_url_that_is_none(self, fresh: Millrace) -> None:
        refused(fresh, 2, "DATABASE_URL", DATABASE_URL="localhost")

    def test_a_wrong_password(self, fresh: Millrace, stack: LocalStack) -> None:
        address = urlsplit(stack.postgres_url).netloc.rpartition("@")[2]
        url = f"postgresql://millrace_admin:wrong@{address}/postgres"
        refused(fresh, 7, "DATABASE_URL", "password authentication failed", DATABASE_URL=url)

    async def test_a_database_of_somebody_else(self, fresh: Millrace, stack: LocalStack) -> None:
        admin = await asyncpg.connect(stack.postgres_url)
        try:
            await admin.execute("create database somebody_else")
            url = stack.postgres_url.rpartition("/")[0] + "/somebody_else"
            theirs = await asyncpg.connect(url)
            await theirs.execute("create schema core; create table core.customers (id int)")
            await theirs.close()
            refused(fresh, 5, "is not one of Millrace", "core.customers", DATABASE_URL=url)
        finally:
            await admin.execute("drop database if exists somebody_else with (force)")
            await admin.close()

    def test_no_broker_at_the_address(self, fresh: Millrace) -> None:
        refused(fresh, 7, "KAFKA_BOOTSTRAP_SERVERS", NOWHERE, KAFKA_BOOTSTRAP_SERVERS=NOWHERE)

    def test_a_broker_that_is_no_broker(self, fresh: Millrace) -> None:
        with listener() as port:
            refused(fresh, 7, f"127.0.0.1:{port}", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")

    def test_no_redis_at_the_address(self, fresh: Millrace) -> None:
        refused(fresh, 7, "REDIS_URL", NOWHERE, REDIS_URL=f"redis://{NOWHERE}/0")


class TestJars:
    def test_no_network_and_no_cache(self, fresh: Millrace, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        said = refused(fresh, 7, "Cannot fetch", XDG_CACHE_HOME=str(cache), MILLRACE_JAR_REPOSITORY=f"http://{NOWHERE}")
        assert "MILLRACE_JAR_REPOSITORY" in said
        assert [path for path in cache.rglob("*") if path.is_file()] == []

    def test_a_jar_with_a_wrong_hash(self, fresh: Millrace, tmp_path: Path) -> None:
        cache, served = tmp_path / "cache", tmp_path / "served"
        for jar in read_list(LIST):
            folder = served / jar.group.replace(".", "/") / jar.artifact / jar.version
            folder.mkdir(parents=True)
            (folder / jar.file_name).write_bytes(b"not what the list names")
        with repository(served) as address:
            environment = {"XDG_CACHE_HOME": str(cache), "MILLRACE_JAR_REPOSITORY": address}
            refused(fresh, 1, "is not the file that kafka-jars.txt names", "SHA-256", **environment)
        assert [path for path in cache.rglob("*") if path.is_file()] == []


@contextmanager
def repository(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class TestMachine:
    def test_no_free_port_in_the_range(self, fresh: Millrace) -> None:
        first = int(free_range().split("-")[0])
        with ExitStack() as taken:
            for port in range(first, first + 3):
                # One that somebody else has is taken as well.
                with suppress(OSError):
                    taken.enter_context(listener(port))
            refused(
                fresh, 1, f"No free port between {first} and {first + 2}", MILLRACE_PORT_RANGE=f"{first}-{first + 2}"
            )

    def test_a_range_that_is_none(self, fresh: Millrace) -> None:
        refused(fresh, 2, "MILLRACE_PORT_RANGE=http is not a range", MILLRACE_PORT_RANGE="http")

    def test_a_home_that_cannot_be_written(self, fresh: Millrace) -> None:
        # Not even root may make a folder there.
        refused(fresh, 1, "Cannot write to /sys/millrace", MILLRACE_HOME="/sys/millrace")

    def test_a_home_that_is_a_file(self, fresh: Millrace) -> None:
        fresh.home.write_text("")
        refused(fresh, 1, f"Cannot write to {fresh.home}")

    def test_a_disk_that_fills_up_while_it_starts(self, fresh: Millrace, small_disk: list[str]) -> None:
        # Room enough, but no more than a hundred files.
        script = 'mount -t tmpfs -o size=400m,nr_inodes=100 none "$0"; export MILLRACE_HOME="$0/home"; '
        script += '"$1" -m millrace up; code=$?; "$1" -m millrace status; "$1" -m millrace down; exit $code'
        done = fresh.shell(small_disk, script)
        assert done.returncode == 1, done.stderr
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout.startswith("down")

    def test_a_disk_that_is_full(self, fresh: Millrace, small_disk: list[str]) -> None:
        script = 'mount -t tmpfs -o size=8m none "$0" && MILLRACE_HOME="$0/home" "$1" -m millrace up'
        done = fresh.shell(small_disk, script)
        assert done.returncode == 1
        assert "MB free; the stack needs 256 MB" in done.stderr

    def test_a_name_that_nobody_reads(self, fresh: Millrace) -> None:
        refused(
            fresh, 2, "MILLRACE_PORT_RANG is not a setting", "Did you mean MILLRACE_PORT_RANGE?", MILLRACE_PORT_RANG="1"
        )
        assert not fresh.home.exists()


class TestHalfWrittenState:
    def test_a_folder_that_is_not_ours(self, fresh: Millrace) -> None:
        fresh.home.mkdir()
        (fresh.home / "letters.txt").write_text("dear")
        refused(fresh, 5, "is not a complete Millrace folder")
        assert [path.name for path in fresh.home.iterdir()] == ["letters.txt"]

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}'])
    def test_an_identity_that_cannot_be_read(self, fresh: Millrace, text: str) -> None:
        fresh.home.mkdir()
        (fresh.home / "stack.json").write_text(text)
        done = fresh.run("up")
        assert done.returncode == 5
        assert "stack.json cannot be read" in done.stderr
        assert "Traceback" not in done.stderr
        (fresh.home / "stack.json").unlink()

    @pytest.mark.parametrize("part", ["kafka", "postgres"])
    def test_a_data_folder_that_was_only_begun(self, fresh: Millrace, part: str) -> None:
        fresh.run("down")
        (fresh.home / "data" / part).mkdir(parents=True)
        (fresh.home / "stack.json").write_text('{"format": 1, "id": "0123456789abcdef"}')
        refused(fresh, 5, f"{part} is not a complete Millrace folder")

    def test_the_record_of_a_run_may_be_lost(self, fresh: Millrace) -> None:
        """It is no half-written state: the marks on the processes say what to end."""
        fresh.run("down")
        fresh.home.mkdir()
        (fresh.home / "stack.json").write_text('{"format": 1, "id": "0123456789abcdef"}')
        (fresh.home / "run").mkdir()
        (fresh.home / "run" / "state.json").write_text('{"pid": 1, "units": {"kafka": ')
        assert fresh.run("status").returncode == 3
        assert fresh.run("down").returncode == 0


class TestTwoAtOnce:
    def test_two_ups_at_the_same_moment_start_one_stack(self, fresh: Millrace) -> None:
        both = [fresh.start("up"), fresh.start("up")]
        said = [process.communicate(timeout=300) for process in both]
        codes = sorted(process.returncode for process in both)
        assert codes == [0, 5], said
        loser = said[0 if both[0].returncode else 1][1]
        assert loser.count("error:") == 1
        assert "Another command is at work" in loser
        fresh.wait_until_up()
        assert len([process for process in fresh.processes() if is_java(process.pid)]) == 1


def is_java(pid: int) -> bool:
    return b"kafka.Kafka" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture
def small_disk() -> list[str]:
    """How to run a shell in which a small disk can be mounted; needs no rights where user namespaces are allowed."""
    for prefix in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    raise AssertionError("neither root nor a user namespace: a small disk cannot be made here")
