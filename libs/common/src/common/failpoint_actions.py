"""What an armed failpoint does, how its specification is read, and how each pass is counted and reported."""

from __future__ import annotations

import builtins
import fcntl
import importlib
import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from common import failures
from common.environment import ConfigurationError

ALL = "*"


class Action(StrEnum):
    """What happens at a point."""

    KILL = "kill"
    RAISE = "raise"
    DELAY = "delay"
    DO_THEN_RAISE = "do_then_raise"
    REPORT = "report"


class FailpointRaised(RuntimeError):
    """The exception of a failpoint that names no class of its own."""


@dataclass(frozen=True, slots=True)
class FailPlan:
    """What one entry of the specification asks for."""

    action: Action
    error: type[BaseException] = FailpointRaised
    seconds: float = 0.0
    first: int | None = None
    nth: int | None = None
    chance: float | None = None

    def fire(self, name: str) -> None:
        """Breaks, if this plan is one that breaks."""
        if self.action is Action.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.action in (Action.RAISE, Action.DO_THEN_RAISE):
            _raise(self.error, name)


class Armed:
    """The failpoints of this process, what they have counted, and where they report."""

    def __init__(self, plans: Mapping[str, FailPlan], *, seed: int, log: Path | None, service: str) -> None:
        self._plans = plans
        self._log = log
        self._service = service
        self._seed = seed
        self._chances: dict[str, random.Random] = {}
        self._lock = threading.Lock()
        self.passes: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()

    def pass_by(self, name: str) -> FailPlan | None:
        """Counts and reports a pass; the plan if it strikes this time."""
        plan = self._plans.get(name) or self._plans.get(ALL)
        if plan is None:
            return None
        with self._lock, self._shared_log() as log:
            self.passes[name] += 1
            strikes = self._strikes(name, plan, log)
            self.fired[name] += strikes
            self._report(name, plan, strikes=strikes, log=log)
        return plan if strikes else None

    def _strikes(self, name: str, plan: FailPlan, log: int | None) -> bool:
        if plan.nth is not None:
            return self.passes[name] == plan.nth
        if plan.first is not None:
            return (self.fired[name] if log is None else _fired_before(log, name)) < plan.first
        if plan.chance is not None:
            # One source per name: what one point draws does not depend on how often the others are passed.
            source = self._chances.setdefault(name, random.Random(f"{self._seed}:{name}"))  # noqa: S311
            return source.random() < plan.chance
        return True

    @contextmanager
    def _shared_log(self) -> Iterator[int | None]:
        if self._log is None:
            yield None
            return
        log = os.open(self._log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # Locked, because "the first COUNT" is counted over all processes that share the log.
            fcntl.flock(log, fcntl.LOCK_EX)
            yield log
        finally:
            os.close(log)

    def _report(self, name: str, plan: FailPlan, *, strikes: bool, log: int | None) -> None:
        line = {
            "event": "failpoint",
            "failpoint": name,
            "pass": self.passes[name],
            "action": plan.action,
            "fired": strikes,
            "service": self._service,
            "pid": os.getpid(),
            "at": datetime.now(UTC).isoformat(),
        }
        text = json.dumps(line) + "\n"
        sys.stderr.write(text)
        sys.stderr.flush()
        if log is not None:
            os.write(log, text.encode())


def parse(spec: str, points: Mapping[str, str]) -> dict[str, FailPlan]:
    """The plans of a specification; every mistake in it is one sentence of a `ConfigurationError`."""
    plans: dict[str, FailPlan] = {}
    problems: list[str] = []
    for entry in filter(None, (part.strip() for part in spec.split(";"))):
        name, _, what = entry.partition("=")
        if name != ALL and name not in points:
            close = get_close_matches(name, points, n=1)
            problems.append(f"MILLRACE_FAILPOINTS: there is no failpoint {name!r}{_hint(close)}")
            continue
        try:
            plans[name] = _plan(what)
        except (ValueError, TypeError, AttributeError, ImportError) as error:
            problems.append(f"MILLRACE_FAILPOINTS: {entry!r} is not understood ({error}).")
    if problems:
        raise ConfigurationError(problems)
    return plans


def _plan(what: str) -> FailPlan:
    for sign, read in (("*", _first), ("@", _nth), ("%", _chance)):
        head, found, tail = what.rpartition(sign)
        if found:
            return read(_action(head), tail)
    return _action(what)


def _first(plan: FailPlan, tail: str) -> FailPlan:
    return FailPlan(plan.action, plan.error, plan.seconds, first=int(tail))


def _nth(plan: FailPlan, tail: str) -> FailPlan:
    return FailPlan(plan.action, plan.error, plan.seconds, nth=int(tail))


def _chance(plan: FailPlan, tail: str) -> FailPlan:
    chance = float(tail)
    if not 0 <= chance <= 1:
        raise ValueError("a probability is between 0 and 1")
    return FailPlan(plan.action, plan.error, plan.seconds, chance=chance)


def _action(text: str) -> FailPlan:
    word, _, argument = text.partition(":")
    match Action(word):
        case Action.DELAY:
            return FailPlan(Action.DELAY, seconds=float(argument))
        case Action.RAISE:
            return FailPlan(Action.RAISE, error=_error(argument))
        case Action.DO_THEN_RAISE:
            return FailPlan(Action.DO_THEN_RAISE, error=_error(argument) if argument else FailpointRaised)
        case plain:
            return FailPlan(plain)


def _error(name: str) -> type[BaseException]:
    """A class of `failures`, of the language, or by its full name `package.module.Class`."""
    module, _, short = name.rpartition(".")
    found = getattr(importlib.import_module(module), short) if module else _short(name)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise TypeError(f"{name} is not an exception")
    _built(found, "tried")
    return found


def _short(name: str) -> object:
    return getattr(failures, name, None) or getattr(builtins, name)


def _built(error: type[BaseException], name: str) -> BaseException:
    if issubclass(error, failures.Failure):
        return error("FAILPOINT", f"failpoint {name}")
    return error(f"failpoint {name}")


def _raise(error: type[BaseException], name: str) -> NoReturn:
    raise _built(error, name)


def _fired_before(log: int, name: str) -> int:
    with os.fdopen(os.dup(log), "rb") as file:
        file.seek(0)
        lines = (json.loads(line) for line in file if line.endswith(b"\n"))
        return sum(1 for line in lines if line["failpoint"] == name and line["fired"])


def _hint(close: list[str]) -> str:
    return f", did you mean {close[0]}?" if close else "."
