"""A vendor with the limits of Zoho Books on a faster clock: it counts fixed *and* rolling windows, or one of them, and calls at once.

    python -m tests.support.metered_vendor '{"count": 1000, "window_s": 5, "at_once": 60, "latency_s": [0.002, 0.25], "total": 3000}'

Prints its port. Latencies are spread evenly over their orders of magnitude; a call is counted at a random moment between its arrival
and its answer, because no vendor says when it counts. `"windows": "fixed"` begins them where the calendar does. `"others_every_s": 0.5`
lets another application call so often, within the same limits. `GET /report` tells all of it.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Meter:
    """Refuses a call beyond either window; refused calls are not counted."""

    count: int
    window_s: float
    phase_s: float
    windows: str = "both"
    rolling: deque[float] = field(default_factory=deque)
    fixed: dict[int, int] = field(default_factory=dict)

    def take(self, now: float) -> bool:
        while self.rolling and self.rolling[0] <= now - self.window_s:
            self.rolling.popleft()
        window = self.window(now)
        is_full = {"rolling": len(self.rolling) >= self.count, "fixed": self.fixed.get(window, 0) >= self.count}
        if any(full for name, full in is_full.items() if self.windows in ("both", name)):
            return False
        self.rolling.append(now)
        self.fixed[window] = self.fixed.get(window, 0) + 1
        return True

    def window(self, now: float) -> int:
        return int((now + self.phase_s) // self.window_s)


class MeteredVendor:
    def __init__(self, wanted: dict[str, object]) -> None:
        window_s, windows = float(wanted["window_s"]), str(wanted.get("windows", "both"))  # type: ignore[arg-type]
        calendar = (time.time() - time.monotonic()) % window_s
        phase = calendar if windows == "fixed" else random.uniform(0, window_s)
        self.meter = Meter(int(wanted["count"]), window_s, phase, windows)  # type: ignore[call-overload]
        self.most_at_once = int(wanted["at_once"])  # type: ignore[call-overload]
        low, high = wanted["latency_s"]  # type: ignore[misc]
        self.latency = (math.log(low), math.log(high))
        self.total = int(wanted["total"])  # type: ignore[call-overload]
        self.at_once, self.peak = 0, 0
        self.answered: list[float] = []
        self.others_every_s = float(wanted.get("others_every_s", 0))  # type: ignore[arg-type]
        self.others = 0
        self.refused: list[tuple[float, int]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = (200, self._report()) if head.startswith(b"GET /report") else await self._ours()
                told = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nx-done: {self._done}\r\n\r\n"
                writer.write(told.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    @property
    def _done(self) -> str:
        return "yes" if len(self.answered) >= self.total else "no"

    async def other_application(self) -> None:
        """It shares the account, and asks nobody."""
        while self.others_every_s:
            calls = asyncio.gather(self._call(), asyncio.sleep(self.others_every_s))
            self.others += (await calls)[0][0] == 200

    async def _ours(self) -> tuple[int, bytes]:
        status, body = await self._call()
        if status == 200:
            self.answered.append(time.monotonic())
        return status, body

    async def _call(self) -> tuple[int, bytes]:
        if self.at_once >= self.most_at_once:
            return self._refuse(1070)
        self.at_once += 1
        self.peak = max(self.peak, self.at_once)
        try:
            latency = math.exp(random.uniform(*self.latency))
            before = random.random() * latency
            await asyncio.sleep(before)
            if not self.meter.take(time.monotonic()):
                return self._refuse(44)
            await asyncio.sleep(latency - before)
        finally:
            self.at_once -= 1
        return 200, b'{"code":0,"message":"success"}'

    def _refuse(self, code: int) -> tuple[int, bytes]:
        self.refused.append((time.monotonic(), code))
        return 429, json.dumps({"code": code, "message": "no"}).encode()

    def _report(self) -> bytes:
        told = {"answered": self.answered, "refused": self.refused, "peak": self.peak, "others": self.others}
        return json.dumps(told | {"windows": [self.meter.window(at) for at in self.answered]}).encode()


async def main() -> None:
    vendor = MeteredVendor(json.loads(sys.argv[1]))
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(server.serve_forever(), vendor.other_application())


if __name__ == "__main__":
    asyncio.run(main())
