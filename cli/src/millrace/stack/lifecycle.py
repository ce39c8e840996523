"""Up, down and clean: what the commands do to a stack. Only the standard library is needed, so `down` always works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import CHECKOUT, StackSettings
from millrace.stack.home import Home, cannot_write
from millrace.stack.locks import held, is_held
from millrace.stack.logs import last_lines
from millrace.stack.processes import Process, process_of
from millrace.stack.reclaim import end_left_overs
from millrace.stack.scale import processes_of, refuse_another
from millrace.stack.state import Phase, StackState, UnitState, read_state
from millrace.stack.status import is_ready, look

STOP_SECONDS = 120.0
MEND_SECONDS = 60.0
POLL_SECONDS = 0.1
NEEDED_BYTES = 256 * 1024 * 1024

Say = Callable[[str], None]
Watch = Callable[[StackState], None]


def up(settings: StackSettings, prepare: Callable[[], None], say: Say, watch: Watch) -> bool:
    """Start the stack and wait until all of it is ready. False if it was running before."""
    home = Home(settings.home)
    refuse_full_disk(home.root)
    home.create()
    with held(home.command_lock):
        if is_held(home.supervisor_lock):
            _wait_until_up(home, None, watch)
            _wait_until_all_ready(home)
            refuse_another(settings.scale, [unit.name for unit in look(home).parts()])
            return False
        for name in end_left_overs(home):
            say(f"Ended {name}, left over from a supervisor that was killed.")
        prepare()
        supervisor = _launch(settings, home)
        try:
            _wait_until_up(home, supervisor, watch)
        except BaseException:
            _give_up(supervisor, say)
            raise
    return True


def down(settings: StackSettings, say: Say) -> bool:
    """Stop everything of this stack. False if nothing ran."""
    home = Home(settings.home)
    if not home.exists():
        return False
    home.create()
    with held(home.command_lock):
        ran = _stop_supervisor(home)
        for name in end_left_overs(home):
            say(f"Ended {name}, left over from a supervisor that was killed.")
            ran = True
    return ran


def hold(settings: StackSettings, service: str) -> None:
    """Stop one service, with its replicas, and keep it stopped until it is released."""
    home, names = _with_service(settings, service)
    for name in names:
        home.hold(name).parent.mkdir(exist_ok=True)
        home.hold(name).touch()
    for name in names:
        _until(home, name, lambda unit: unit.phase is Phase.STOPPED, "stop")


def release(settings: StackSettings, service: str) -> None:
    """Let one service run again."""
    home, names = _with_service(settings, service)
    for name in names:
        home.hold(name).unlink(missing_ok=True)
    for name in names:
        _until(home, name, is_ready, "start")


def _with_service(settings: StackSettings, service: str) -> tuple[Home, list[str]]:
    home = Home(settings.home)
    found = look(home)
    if found.state == "down" or not found.supervised:
        raise CommandError("Nothing runs here.", "Start the stack: `millrace up`.", ExitCode.NOT_FOUND)
    names = [unit.name for unit in found.parts() if unit.kind == "service"]
    if service not in names:
        raise CommandError(f"There is no service {service}.", f"There are {', '.join(names)}.", ExitCode.NOT_FOUND)
    return home, processes_of(service, names)


def _until(home: Home, service: str, reached: Callable[[UnitState], bool], verb: str) -> None:
    deadline = time.monotonic() + MEND_SECONDS
    while time.monotonic() < deadline:
        if any(unit.name == service and reached(unit) for unit in look(home).parts()):
            return
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"{service} did not {verb} in {MEND_SECONDS:.0f} s.", f"See `millrace logs {service}`.", ExitCode.TIMED_OUT
    )


def clean(settings: StackSettings, say: Say, *, everything: bool) -> None:
    """Stop the stack and remove its folder and what was built in the checkout; with `everything` the cache as well."""
    home = Home(settings.home)
    down(settings, say)
    if home.exists():
        _remove(home.root)
        say(f"Removed {home.root}.")
    elif home.root.exists() and any(home.root.iterdir()):
        say(f"Left {home.root} alone: it is not a folder of Millrace.")
    for path in built_in(CHECKOUT):
        _remove(path)
    say(f"Removed what was built in {CHECKOUT}.")
    if everything:
        _remove(settings.cache)
        say(f"Removed the cache {settings.cache}.")
    elif settings.cache.exists():
        say(f"The cache of Kafka's jars stays in {settings.cache}; `clean --all` removes it too.")


def built_in(checkout: Path) -> list[Path]:
    """The environment and the caches that tools leave in a checkout."""
    tools = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")
    own = [checkout / name for name in ("cli", "libs", "services", "sandbox", "tests", "bench")]
    bytecode = [folder for path in own for folder in path.rglob("__pycache__")]
    return [checkout / ".venv", *(checkout / name for name in tools), *bytecode]


def refuse_full_disk(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """A broker that runs out of disk while it starts leaves riddles; look first."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    total, _, free = shutil.disk_usage(there)
    # A file system without blocks (as /sys) is not full; it refuses in its own words.
    if total and free < needed:
        raise CommandError(
            f"The disk of {folder} has only {free // 2**20} MB free; the stack needs {needed // 2**20} MB.",
            "Make room, or choose a folder on another disk with MILLRACE_HOME.",
        )


def _launch(settings: StackSettings, home: Home) -> subprocess.Popen[bytes]:
    """A supervisor in a session of its own: it outlives this terminal."""
    home.state_file.unlink(missing_ok=True)
    try:
        log = home.log("supervisor").open("ab")
    except OSError as refused:
        raise cannot_write(home.root, refused) from refused
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "millrace.stack.serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.root,
            env={**settings.environment, "MILLRACE_HOME": str(home.root)},
            start_new_session=True,
        )


def _wait_until_up(home: Home, supervisor: subprocess.Popen[bytes] | None, watch: Watch) -> None:
    while True:
        state = read_state(home)
        if state is not None and (supervisor is None or state.pid == supervisor.pid):
            if supervisor is not None or state.phase == "starting":
                watch(state)
            if state.phase == "up":
                return
        ended = supervisor.poll() is not None if supervisor else not is_held(home.supervisor_lock)
        if ended:
            raise _why_it_failed(home, supervisor)
        time.sleep(POLL_SECONDS)


def _wait_until_all_ready(home: Home) -> None:
    """A stack that was running before may be mending itself just now."""
    deadline = time.monotonic() + MEND_SECONDS
    while (found := look(home)).state != "up":
        if time.monotonic() > deadline or found.state == "down":
            missing = [f"{unit.name} ({unit.trouble or unit.phase})" for unit in found.parts() if not is_ready(unit)]
            raise CommandError(
                f"The stack runs, but not all of it is ready: {', '.join(missing)}.",
                "Look with `millrace logs`, or start afresh with `millrace down` and `millrace up`.",
            )
        time.sleep(POLL_SECONDS)


def _give_up(supervisor: subprocess.Popen[bytes], say: Say) -> None:
    """Interrupted or failed: nothing stays half-started."""
    if supervisor.poll() is None:
        say("Stopping what was started.")
        supervisor.terminate()
        supervisor.wait(STOP_SECONDS)


def _why_it_failed(home: Home, supervisor: subprocess.Popen[bytes] | None) -> CommandError:
    state = read_state(home)
    if state is not None and state.phase == "failed" and (supervisor is None or state.pid == supervisor.pid):
        return CommandError(state.failure, state.remedy, ExitCode(state.code))
    log = home.log("supervisor")
    lines = "".join(f"\n    {line}" for line in last_lines(log, 8))
    return CommandError(
        f"The supervisor ended while it started the stack. Its last lines:{lines}", f"Its log is {log}."
    )


def _stop_supervisor(home: Home) -> bool:
    """Ask it to stop; it stops its children first. If it cannot, it is ended, and its children are left over."""
    if not is_held(home.supervisor_lock):
        return False
    supervisor = _supervisor_of(home)
    if supervisor is None:
        raise CommandError(f"A supervisor holds {home.supervisor_lock}, but it is not known which process it is.")
    supervisor.send(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_held(home.supervisor_lock):
        if time.monotonic() > deadline:
            supervisor.send(signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    return True


def _supervisor_of(home: Home) -> Process | None:
    state = read_state(home)
    if state is not None and state.supervisor is not None:
        return state.supervisor
    try:
        return process_of(int(home.supervisor_lock.read_text()))
    except (OSError, ValueError):
        return None


def _remove(path: Path) -> None:
    def refused(_function: object, name: str, error: BaseException | tuple[object, ...]) -> None:
        if not isinstance(error, FileNotFoundError):
            raise CommandError(f"Cannot remove {name}: {error}.", "Remove it as the user who owns it.")

    if not os.path.lexists(path):
        return
    if sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=refused)
    else:
        shutil.rmtree(path, onerror=lambda function, name, trouble: refused(function, name, trouble[1]))
