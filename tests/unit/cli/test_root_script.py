"""`./millrace` speaks to people even when their Python is too old for anything else."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from millrace.settings import CHECKOUT

SCRIPT = CHECKOUT / "millrace"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("millrace_root_script", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    return module


class TestRootScript:
    def test_an_old_python_can_read_it(self) -> None:
        ast.parse(SCRIPT.read_text(), feature_version=(3, 4))
        assert SCRIPT.stat().st_mode & 0o111

    def test_an_old_python_without_a_newer_one_is_one_sentence(
        self, script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(script, "OLDEST", (99, 0))
        monkeypatch.setenv("PATH", str(tmp_path))
        assert script.main() == 1
        said = capsys.readouterr().err
        assert "needs Python 3.11 or newer" in said
        assert "python3.11" in said

    def test_a_newer_python_on_the_path_is_found(
        self, script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        broken, good = tmp_path / "python3.13", tmp_path / "python3.12"
        broken.write_text("#!/bin/sh\nexit 3\n")
        good.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        for program in (broken, good):
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert script.newer_python() == str(good)


class TestMakefile:
    def test_every_target_is_explained_and_help_shows_it(self) -> None:
        lines = (CHECKOUT / "Makefile").read_text().splitlines()
        targets = {line.split(":")[0] for line in lines if line[:1].isalpha() and ":" in line and ":=" not in line}
        assert {"help", "up", "down", "clean", "test", "test-browser", "check", "bench"} <= targets
        shown = subprocess.run(["make", "-C", str(CHECKOUT)], capture_output=True, text=True).stdout
        assert all(f"make {target} " in shown for target in targets)
