"""The folder that holds everything of one local stack, and the identity that marks its processes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode

FORMAT = 1


@dataclass(frozen=True)
class Home:
    """Paths of one stack; nothing of the stack lies outside but the per-user cache."""

    root: Path

    @property
    def identity_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    @property
    def command_lock(self) -> Path:
        return self.run / "command.lock"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    def part_folder(self, part: str) -> Path:
        return self.root / "data" / part

    def hold(self, service: str) -> Path:
        """While this file is there, the supervisor keeps the service stopped."""
        return self.run / "held" / service

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def exists(self) -> bool:
        return self.identity_file.exists()

    def stack_id(self) -> str:
        """The random id that every process of this stack carries in its environment."""
        try:
            identity = json.loads(self.identity_file.read_text())
            if identity["format"] != FORMAT:
                raise CommandError(
                    f"{self.root} was made by another version of Millrace (format {identity['format']}).",
                    "Use that version, or choose another folder with MILLRACE_HOME.",
                    ExitCode.CONFLICT,
                )
            return str(identity["id"])
        except (ValueError, KeyError, TypeError) as broken:
            raise half_written(self.root, f"{self.identity_file.name} cannot be read") from broken

    def create(self) -> str:
        """Make the folder if it is not there; refuse one that somebody else filled. Returns the stack id."""
        try:
            if self.exists():
                self._folders()
                return self.stack_id()
            if self.root.exists() and any(map(self._is_foreign, self.root.iterdir())):
                raise half_written(self.root, f"it has files, but no {self.identity_file.name}")
            self.root.mkdir(parents=True, exist_ok=True)
            self._identify()
            self._folders()
        except OSError as refused:
            raise cannot_write(self.root, refused) from refused
        return self.stack_id()

    def _is_foreign(self, path: Path) -> bool:
        # What another command that is just making this folder has in hand is not foreign, nor is what it has made meanwhile.
        return not path.name.startswith(self.identity_file.name) and not self.exists()

    def _identify(self) -> None:
        """Of two commands that make the folder at once the first gives it its identity; the other takes that."""
        draft = self.identity_file.with_name(f"{self.identity_file.name}.{os.getpid()}.draft")
        write_atomically(draft, json.dumps({"format": FORMAT, "id": secrets.token_hex(16)}))
        with contextlib.suppress(FileExistsError):
            os.link(draft, self.identity_file)
        draft.unlink()

    def _folders(self) -> None:
        for folder in (self.run, self.root / "data"):
            folder.mkdir(exist_ok=True)
        for private in (self.secrets, self.logs):
            private.mkdir(mode=0o700, exist_ok=True)


def half_written(folder: Path, why: str) -> CommandError:
    return CommandError(
        f"{folder} is not a complete Millrace folder: {why}.",
        "Move it away, or remove it if its data may be lost; or choose another folder with MILLRACE_HOME.",
        ExitCode.CONFLICT,
    )


def cannot_write(folder: Path, refused: OSError) -> CommandError:
    return CommandError(
        f"Cannot write to {folder}: {refused.strerror or refused}.",
        "Choose a folder you may write to with MILLRACE_HOME, and make sure its disk has room.",
    )


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Readers see the old text or the new one, never half; so does the next start after a power cut."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
