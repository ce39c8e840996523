"""`python -m tests.support.program_server FD`: imports each program once, and starts it as often as somebody asks, in a child of its own.

A message of the socket FD is one wish, `{"module": ..., "words": [...], "environment": {...}, "cwd": ...}`, and brings the child's standard input,
output and error and a socket of its own. That is told `{"pid": ...}` with a handle of the process, and `{"code": ...}` when it has ended. When FD
is closed, every child that is left is killed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

LARGEST = 1 << 18
NOBODY_LISTENS = (BrokenPipeError, ConnectionResetError)


@dataclass
class Server:
    """Nothing of it is in a child but what the program imports."""

    wishes: socket.socket
    children: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    ready: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def serve(self) -> dict[str, Any] | None:
        """Returns in a child, with what it is to be, and in the server when nobody can wish any more."""
        self.ready.register(self.wishes, selectors.EVENT_READ)
        while True:
            for key, _ in self.ready.select():
                if key.data is not None:
                    self._ended(key.data)
                    continue
                body, fds, _, _ = socket.recv_fds(self.wishes, LARGEST, 4)
                if not body:
                    self._leave()
                    return None
                wish = json.loads(body)
                if self._start(wish, fds):
                    return wish  # type: ignore[no-any-return]

    def _start(self, wish: dict[str, Any], fds: list[int]) -> bool:
        self._import(wish["module"])
        assert threading.active_count() == 1, "a thread is in no child"
        pid = os.fork()
        if not pid:
            self._be_alone()
            for number, fd in enumerate(fds[:3]):
                os.dup2(fd, number)
            for fd in fds:
                os.close(fd)
            return True
        for fd in fds[:3]:
            os.close(fd)
        told, handle = socket.socket(fileno=fds[3]), os.pidfd_open(pid)
        self.children[pid] = handle, told
        self.ready.register(handle, selectors.EVENT_READ, pid)
        socket.send_fds(told, [json.dumps({"pid": pid}).encode() + b"\n"], [handle])
        return False

    def _import(self, module: str) -> None:
        """What a program imports; one that cannot be imported says so itself, in its child."""
        if module in self.imported:
            return
        self.imported.add(module)
        spec = find_spec(module)
        program = f"{module}.__main__" if spec is not None and spec.submodule_search_locations else module
        with suppress(Exception):
            importlib.import_module(program)
            self._import_commands(module)
        # It runs as the program that it is, not as a module that was imported.
        sys.modules.pop(program, None)
        gc.collect()
        gc.freeze()

    def _import_commands(self, module: str) -> None:
        """A program of many commands imports each when it is asked for."""
        with suppress(ModuleNotFoundError):
            commands = importlib.import_module(f"{module}.commands")
            for one in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
                importlib.import_module(one.name)

    def _ended(self, pid: int) -> None:
        handle, told = self.children.pop(pid)
        self.ready.unregister(handle)
        os.close(handle)
        _, status = os.waitpid(pid, 0)
        with suppress(*NOBODY_LISTENS), told:
            told.sendall(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode() + b"\n")

    def _be_alone(self) -> None:
        """In a child: what the server has open is none of its business."""
        self.ready.close()
        self.wishes.close()
        for handle, told in self.children.values():
            os.close(handle)
            told.close()

    def _leave(self) -> None:
        for handle, _ in self.children.values():
            signal.pidfd_send_signal(handle, signal.SIGKILL)


def become(wish: dict[str, Any]) -> None:
    """As `python -m module words` in that folder and environment."""
    os.environ.clear()
    os.environ.update(wish["environment"])
    time.tzset()
    os.chdir(wish["cwd"])
    sys.path[0] = wish["cwd"]
    sys.argv = [wish["module"], *wish["words"]]
    runpy.run_module(wish["module"], run_name="__main__", alter_sys=True)


def main(fd: int) -> None:
    wish = Server(socket.socket(fileno=fd)).serve()
    if wish is not None:
        become(wish)


if __name__ == "__main__":
    main(int(sys.argv[1]))
