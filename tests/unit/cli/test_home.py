"""The folder of a stack: made whole or not at all, and never somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from millrace.errors import CommandError
from millrace.stack.home import Home, write_atomically
from millrace.stack.lifecycle import built_in, refuse_full_disk
from millrace.stack.secrets import secret_of
from millrace.stack.state import Board, Phase, StackState, UnitState, read_state


class TestHome:
    def test_its_identity_is_made_once(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        assert home.create() == home.create() == home.stack_id()
        assert Home(tmp_path / "other").create() != home.stack_id()

    def test_a_newer_format_is_refused(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.identity_file.write_text(json.dumps({"format": 99, "id": "x"}))
        with pytest.raises(CommandError, match="another version"):
            home.create()

    def test_secrets_are_kept(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.create()
        assert secret_of(home, "keys/one") == secret_of(home, "keys/one") != secret_of(home, "keys/two")

    def test_an_atomic_write_leaves_no_other_file(self, tmp_path: Path) -> None:
        write_atomically(tmp_path / "file", "old")
        write_atomically(tmp_path / "file", "new", 0o600)
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
        assert (tmp_path / "file").read_text() == "new"


class TestState:
    def test_what_is_written_is_read_again(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        home.create()
        told: list[tuple[str, str]] = []
        board = Board(home, StackState(pid=1, started=2), lambda name, words: told.append((name, words)))
        board.stack(units={"kafka": UnitState("kafka")})
        board.unit("kafka", phase=Phase.STARTING, pid=77, started=88)
        board.unit("kafka", phase=Phase.STARTING)
        board.stack(phase="up")
        assert read_state(home) == board.state
        assert told == [("kafka", "starting pid 77"), ("stack", "up")]
        assert home.state_file.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"units": 3}', '{"units": {"a": {"phase": "odd", "name": "a"}}}'])
    def test_what_cannot_be_read_is_no_state(self, tmp_path: Path, text: str) -> None:
        home = Home(tmp_path / "home")
        home.create()
        home.state_file.write_text(text)
        assert read_state(home) is None


class TestDisk:
    def test_a_disk_without_room_is_refused_before_anything_is_made(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="MB free"):
            refuse_full_disk(tmp_path / "home" / "deep", needed=2**60)
        assert not (tmp_path / "home").exists()


class TestClean:
    def test_it_names_what_was_built_and_nothing_else(self, tmp_path: Path) -> None:
        for folder in (".venv", ".ruff_cache", "cli/src/a/__pycache__", "docs/__pycache__", "tests/unit"):
            (tmp_path / folder).mkdir(parents=True)
        found = {str(path.relative_to(tmp_path)) for path in built_in(tmp_path) if path.exists()}
        assert found == {".venv", ".ruff_cache", "cli/src/a/__pycache__"}
