"""Failpoints break where and when they are told to, report each pass, and are nothing at all otherwise."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from common import failpoints, failures
from common.environment import ConfigurationError
from common.failpoint_actions import Action, Armed, FailpointRaised, parse

POINTS = {"a.first": "The first.", "a.second": "The second."}


@dataclass
class Switches:
    failpoints: str = ""
    test: bool = False
    failpoints_seed: int = 0
    failpoints_log: Path | None = None


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(failpoints, "POINTS", POINTS)
    yield
    failpoints.arm(Switches())


def struck(armed: Armed, name: str, times: int) -> list[bool]:
    return [armed.pass_by(name) is not None for _ in range(times)]


class TestArming:
    def test_is_nothing_without_a_specification(self) -> None:
        failpoints.arm(Switches(test=True))
        failpoints.pass_("a.first")
        assert failpoints._armed is None

    def test_refuses_to_start_without_the_test_flag(self) -> None:
        with pytest.raises(ConfigurationError, match="MILLRACE_TEST=1"):
            failpoints.arm(Switches("a.first=kill"))
        assert failpoints._armed is None

    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            ("a.frist=kill", "did you mean a.first?"),
            ("nothing=kill", "there is no failpoint 'nothing'"),
            ("a.first=explode", "'a.first=explode' is not understood"),
            ("a.first=delay:soon", "is not understood"),
            ("a.first=raise:NoSuchError", "is not understood"),
            ("a.first=raise:len", "is not an exception"),
            ("a.first=raise:no.module.Error", "is not understood"),
            ("a.first=kill%7", "between 0 and 1"),
            ("a.first=kill*many", "is not understood"),
            ("a.first", "is not understood"),
            ("a.first=raise:UnicodeDecodeError", "is not understood"),
        ],
    )
    def test_refuses_what_it_does_not_understand(self, spec: str, words: str) -> None:
        with pytest.raises(ConfigurationError, match="MILLRACE_FAILPOINTS") as refused:
            parse(spec, POINTS)
        assert words in str(refused.value)

    def test_reads_several_and_names_every_mistake(self) -> None:
        assert set(parse("a.first=kill; a.second=delay:0.5;", POINTS)) == {"a.first", "a.second"}
        with pytest.raises(ConfigurationError) as refused:
            parse("x=kill;a.first=boom", POINTS)
        assert len(refused.value.problems) == 2


class TestActions:
    async def test_raises_the_class_it_names(self) -> None:
        for name, cls in {
            "ConnectionResetError": ConnectionResetError,
            "Transient": failures.Transient,
            "asyncio.TimeoutError": asyncio.TimeoutError,
        }.items():
            with failpoints.armed(f"a.first=raise:{name}"), pytest.raises(cls, match=r"a\.first"):
                await failpoints.hit("a.first")
            with failpoints.armed(f"a.first=raise:{name}"), pytest.raises(cls):
                failpoints.pass_("a.first")

    async def test_delays_without_blocking_the_loop(self) -> None:
        with failpoints.armed("a.first=delay:0.05"):
            began = time.monotonic()
            await asyncio.gather(*(failpoints.hit("a.first") for _ in range(200)))
            assert 0.05 <= time.monotonic() - began < 5  # one after the other they would take ten seconds
            began = time.monotonic()
            failpoints.pass_("a.first")
            assert time.monotonic() - began >= 0.05

    async def test_does_the_work_and_then_raises(self) -> None:
        done: list[str] = []

        async def work() -> str:
            done.append("work")
            return "result"

        with failpoints.armed("a.first=do_then_raise:ConnectionResetError"), pytest.raises(ConnectionResetError):
            await failpoints.around("a.first", work)
        assert done == ["work"]
        with failpoints.armed("a.first=raise:ConnectionResetError"), pytest.raises(ConnectionResetError):
            await failpoints.around("a.first", work)
        assert done == ["work"]
        with failpoints.armed("a.first=do_then_raise"), pytest.raises(FailpointRaised):
            await failpoints.around("a.first", work)
        assert await failpoints.around("a.first", work) == "result"
        with failpoints.armed("a.first=report"):
            assert await failpoints.around("a.first", work) == "result"

    def test_kills_the_process_after_its_report(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        code = (
            "from pathlib import Path; from common import failpoints as f; f.POINTS = {'a.first': ''}\n"
            f"with f.armed('a.first=kill@3', log=Path({str(log)!r})):\n"
            "    for n in range(5): print(n, flush=True); f.pass_('a.first')\n"
        )
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
        assert child.returncode == -signal.SIGKILL
        assert child.stdout.split() == ["0", "1", "2"]
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [line["fired"] for line in lines] == [False, False, True]
        assert [json.loads(line)["pass"] for line in child.stderr.splitlines()] == [1, 2, 3]


class TestCounting:
    def test_strikes_the_first_times_only(self) -> None:
        armed = Armed(parse("a.first=report*2", POINTS), seed=0, log=None, service="t")
        assert struck(armed, "a.first", 4) == [True, True, False, False]

    def test_strikes_at_the_nth_pass_only(self) -> None:
        armed = Armed(parse("a.first=report@3", POINTS), seed=0, log=None, service="t")
        assert struck(armed, "a.first", 5) == [False, False, True, False, False]

    def test_counts_over_restarts_when_there_is_a_log(self, tmp_path: Path) -> None:
        plans = parse("a.first=report*2", POINTS)
        before = Armed(plans, seed=0, log=tmp_path / "log", service="t")
        after = Armed(plans, seed=0, log=tmp_path / "log", service="t")
        assert struck(before, "a.first", 1) + struck(after, "a.first", 2) + struck(before, "a.first", 1) == [
            True,
            True,
            False,
            False,
        ]

    def test_repeats_chance_from_its_seed(self) -> None:
        plans = parse("a.first=report%0.3;a.second=report%0.3", POINTS)
        one, same, other = (Armed(plans, seed=seed, log=None, service="t") for seed in (7, 7, 8))
        drawn = struck(one, "a.first", 300)
        struck(same, "a.second", 50)
        assert drawn == struck(same, "a.first", 300) != struck(other, "a.first", 300)
        assert 60 < sum(drawn) < 120

    def test_names_every_point_by_a_star(self) -> None:
        armed = Armed(parse("*=report", POINTS), seed=0, log=None, service="t")
        assert struck(armed, "a.first", 1) + struck(armed, "a.second", 1) == [True, True]

    def test_leaves_other_points_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        with failpoints.armed("a.first=kill@9"):
            failpoints.pass_("a.second")
        assert capsys.readouterr().err == ""


class TestReport:
    async def test_tells_each_pass_in_one_json_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        failpoints.arm(Switches("a.first=raise:OSError*1", test=True, failpoints_log=tmp_path / "log"), "writer")
        with pytest.raises(OSError):
            await failpoints.hit("a.first")
        await failpoints.hit("a.first")
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        assert lines == [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [(line["failpoint"], line["pass"], line["fired"], line["action"]) for line in lines] == [
            ("a.first", 1, True, Action.RAISE),
            ("a.first", 2, False, Action.RAISE),
        ]
        assert lines[0]["service"] == "writer"
        assert lines[0]["pid"] == os.getpid()


class TestCost:
    async def test_a_pass_costs_next_to_nothing_when_nothing_is_armed(self) -> None:
        began = time.thread_time()
        for _ in range(20_000):
            await failpoints.hit("a.first")
        assert (time.thread_time() - began) / 20_000 < 5e-6
