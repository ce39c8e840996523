"""The project's environment: built once, from hashed files, in words when it cannot be."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.bootstrap import DEV_LOCKS, RUN_LOCKS, Environment
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode


def wheel(folder: Path, name: str) -> str:
    """A package of one module; returns its line in a lock file."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{name}.py": "", f"{name}-1.0.dist-info/METADATA": metadata, f"{name}-1.0.dist-info/WHEEL": tag}
    rows = [f"{path},sha256={digest(text)},{len(text)}" for path, text in files.items()]
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "\n".join([*rows, f"{name}-1.0.dist-info/RECORD,,"]))
    return f"{name} @ {file.as_uri()} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def workspace(folder: Path) -> Path:
    """A checkout with two members, and one package in each lock file."""
    for member in ("cli/src", "libs/common/src"):
        (folder / member).mkdir(parents=True)
    for number, lock in enumerate((*RUN_LOCKS, *DEV_LOCKS)):
        (folder / lock).write_text(wheel(folder, f"package{number}"))
    (folder / "cli/src/ours.py").write_text("")
    return folder


def imports(environment: Environment, *names: str) -> bool:
    code = "; ".join(f"import {name}" for name in names)
    return subprocess.run([environment.python, "-c", code], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environment is built; to make one takes seconds, so the tests share it."""
    checkout = workspace(tmp_path_factory.mktemp("checkout"))
    Environment(checkout).build(dev=False)
    return checkout


@pytest.fixture
def lock(built: Path) -> Iterator[Path]:
    """A lock file that a test may change."""
    path = built / RUN_LOCKS[0]
    before = path.read_text()
    yield path
    path.write_text(before)


class TestEnvironment:
    def test_it_is_built_once_and_grows_by_the_test_tools(self, built: Path) -> None:
        environment = Environment(built)
        assert environment.is_complete(dev=False)
        assert imports(environment, "package0", "package1", "ours")
        assert not imports(environment, "package2")
        assert not environment.is_complete(dev=True)
        environment.build(dev=True)
        assert environment.is_complete(dev=True)
        assert environment.is_complete(dev=False)
        assert imports(environment, "package2")

    def test_what_is_complete_is_left_alone(self, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = (built / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
        Environment(built).build(dev=False)
        assert capsys.readouterr().err == ""
        assert (built / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == before

    def test_another_member_is_found_without_a_new_environment(self, built: Path) -> None:
        environment = Environment(built)
        (built / "services/mapper/src").mkdir(parents=True)
        (built / "services/mapper/src/newcomer.py").write_text("")
        assert not environment.is_complete(dev=False)
        environment.build(dev=False)
        assert environment.is_complete(dev=False)
        assert imports(environment, "newcomer")

    def test_another_lock_file_is_installed(self, built: Path, lock: Path) -> None:
        environment = Environment(built)
        lock.write_text(wheel(built, "newer"))
        assert not environment.is_complete(dev=False)
        environment.build(dev=False)
        assert imports(environment, "newer")

    def test_a_package_with_a_wrong_hash_is_not_installed(self, built: Path, lock: Path) -> None:
        lock.write_text(wheel(built, "forged").rpartition(":")[0] + ":" + "0" * 64)
        with pytest.raises(CommandError) as refused:
            Environment(built).build(dev=False)
        assert "wrong hash" in refused.value.message
        assert not Environment(built).is_complete(dev=False)
        assert not imports(Environment(built), "forged")

    def test_no_network_is_one_sentence(self, built: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        lock.write_text(f"nonesuch-package==1.0 --hash=sha256:{'0' * 64}\n")
        with pytest.raises(CommandError) as refused:
            Environment(built).build(dev=False)
        assert "cannot be installed" in refused.value.message
        assert refused.value.code is ExitCode.UNREACHABLE
        assert "pip config list" in refused.value.remedy

    def test_an_environment_that_no_longer_works_is_made_again(self, built: Path) -> None:
        environment = Environment(built)
        (environment.folder / "bin" / "python").unlink()
        (environment.folder / "bin" / "python").symlink_to("/nonesuch/python3")
        assert not environment.is_complete(dev=False)
        environment.build(dev=False)
        assert imports(environment, "package0")


class TestBytecode:
    @pytest.mark.parametrize("unwanted", ["", "1"])
    def test_what_was_compiled_once_is_kept_in_the_environment(
        self, built: Path, tmp_path: Path, unwanted: str
    ) -> None:
        """Nothing is compiled a second time, whatever the user's Python leaves beside the sources."""
        (tmp_path / "compiled_once.py").write_text("")
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import compiled_once; print(compiled_once.__cached__)"
        )
        become = f"from pathlib import Path; from millrace.bootstrap import Environment; Environment(Path({str(built)!r})).become(['-c', {code!r}])"
        done = subprocess.run(
            [sys.executable, "-c", become],
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": unwanted},
            capture_output=True,
            text=True,
        )
        kept = Path(done.stdout.strip())
        assert kept.exists(), done.stderr
        assert kept.is_relative_to(built / ".venv")


class TestRefusals:
    def test_a_missing_lock_file_is_an_incomplete_checkout(self, tmp_path: Path) -> None:
        checkout = workspace(tmp_path)
        (checkout / RUN_LOCKS[1]).unlink()
        with pytest.raises(CommandError, match=r"requirements-local\.lock is missing"):
            Environment(checkout).build(dev=False)
        assert not (checkout / ".venv").exists()

    def test_a_python_without_venv_is_one_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        crippled = tmp_path / "python"
        crippled.write_text("#!/bin/sh\necho 'No module named ensurepip' >&2\nexit 1\n")
        crippled.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(crippled))
        with pytest.raises(CommandError) as refused:
            Environment(workspace(tmp_path)).build(dev=False)
        assert "cannot make an environment with pip" in refused.value.message
        assert "python3-venv" in refused.value.remedy
