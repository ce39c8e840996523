"""An asynchronous batch: its operations, its stages in time, and the archive of its results (sheet, section 5)."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import orjson

Stage = Literal["pending", "preprocessing", "started", "finalizing", "finished"]
SLICE = 1000
RESULTS_KEPT_S = 7 * 86_400
ADDRESS_VALID_S = 600


class Operation(NamedTuple):
    """One call to be made later; `body` is whatever was sent, right or wrong, until it runs."""

    method: str
    path: str
    operation_id: str
    body: object
    query: dict[str, str]


class Outcome(NamedTuple):
    """What one operation was answered."""

    status: int
    body: bytes


Run = Callable[[Operation, str], Outcome | None]


@dataclass(slots=True)
class BatchHook:
    """Who is told that a batch finished."""

    id: str
    url: str
    enabled: bool = True


@dataclass(slots=True)
class Batch:
    """One batch; operations run in an order of their own, since none is promised."""

    id: str
    submitted_at: float
    base_url: str
    waiting: list[Operation]
    total: int = 0
    stage: Stage = "pending"
    finished: int = 0
    errored: int = 0
    completed_at: float = 0.0
    archive: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.total = self.total or len(self.waiting)
        random.Random(self.id).shuffle(self.waiting)  # noqa: S311 - reproducible on purpose

    def advance(self, now: float, seconds: float, run: Run) -> bool:
        """Go as far as the time allows, at most one slice of operations; True when it has just finished."""
        passed = now - self.submitted_at
        if self.stage == "pending" and passed >= seconds * 0.25:
            self.stage = "preprocessing"
        if self.stage == "preprocessing" and passed >= seconds * 0.5:
            self.stage = "started"
        if self.stage == "started":
            self._work(run)
        if self.stage == "finalizing" and passed >= seconds:
            self.stage, self.completed_at = "finished", now
            self.archive.append(gzip.compress(b"\0" * 1024, 1, mtime=0))
            return True
        return False

    def _work(self, run: Run) -> None:
        turn, self.waiting = self.waiting[:SLICE], self.waiting[SLICE:]
        results = []
        for operation in turn:
            outcome = run(operation, self.base_url)
            self.finished += 1
            if outcome is None:
                self.errored += 1
                continue
            self.errored += outcome.status >= 400
            results.append(
                {
                    "status_code": outcome.status,
                    "operation_id": operation.operation_id,
                    "response": outcome.body.decode(),
                }
            )
        if results:
            self.archive.append(_tarred(f"{self.id}-{len(self.archive)}.json", orjson.dumps(results)))
        if not self.waiting:
            self.stage = "finalizing"

    def expired(self, now: float) -> bool:
        return self.stage == "finished" and now > self.completed_at + RESULTS_KEPT_S


def _tarred(name: str, content: bytes) -> bytes:
    """One entry of the archive, compressed on its own: gzip members may follow each other."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    padding = b"\0" * (-len(content) % tarfile.BLOCKSIZE)
    block = io.BytesIO()
    block.write(entry.tobuf(tarfile.USTAR_FORMAT))
    block.write(content + padding)
    return gzip.compress(block.getvalue(), 1, mtime=0)


def ticket(batch_id: str, secret: str, expires: int) -> str:
    """What makes the address of a result good until it expires."""
    return hashlib.sha256(f"{secret}:{batch_id}:{expires}".encode()).hexdigest()[:32]


def unfinished(batches: Sequence[Batch]) -> int:
    return sum(batch.stage != "finished" for batch in batches)
