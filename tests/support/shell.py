"""The `millrace` command as somebody with a shell uses it, against a console that runs anywhere."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support import programs


class Shell:
    """A context that names the console, and a folder."""

    def __init__(self, folder: Path, url: str, token_file: Path) -> None:
        (folder / "millrace").mkdir()
        table = f'[contexts.here]\nurl = "{url}"\ntoken_file = "{token_file}"\n'
        (folder / "millrace" / "config.toml").write_text(table)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        self.folder = folder
        self.environment = {**clean, "XDG_CONFIG_HOME": str(folder), "MILLRACE_CONTEXT": "here", "COLUMNS": "80"}

    def run(self, *words: str, code: int = 0, said: str = "", within: float = 120) -> subprocess.CompletedProcess[str]:
        done = programs.run(
            "millrace", *words, environment=self.environment, within=within, said=said, folder=self.folder
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "\x1b" not in done.stdout + done.stderr and "Traceback" not in done.stderr
        return done

    def told(self, *words: str, **more: Any) -> Any:
        return json.loads(self.run(*words, "--json", **more).stdout)
