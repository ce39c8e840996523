"""A prober learns the truth in bounded time, and cannot load what it asks about."""

import asyncio
import json
import time
from typing import Any

import pytest

from common.health import Health, NotReady
from common.metrics import Metrics
from common.version import BuildVersion


def health(**options: float) -> Health:
    metrics = Metrics()
    metrics.build("1.2.3", "abc")
    return Health(BuildVersion("toy", "abc", "stack-1"), metrics, **options)


async def ask(app: Health, path: str, method: str = "GET", accept: str = "") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    headers = [(b"accept", accept.encode())] if accept else []
    await app({"type": "http", "path": path, "method": method, "headers": headers}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


class TestLiveness:
    async def test_asks_no_dependency(self) -> None:
        app = health()

        async def dead() -> str | None:
            raise AssertionError("liveness asked a dependency")

        app.add("database", dead)
        assert (await ask(app, "/livez"))[0] == 200

    async def test_stays_while_stopping(self) -> None:
        app = health()
        app.stopping()
        assert (await ask(app, "/livez"))[0] == 200


class TestStart:
    async def test_is_told_apart_from_readiness(self) -> None:
        app = health()
        assert (await ask(app, "/startupz"))[0] == 503
        status, _, body = await ask(app, "/readyz")
        assert (status, json.loads(body)["state"]) == (503, "starting")
        app.started()
        assert (await ask(app, "/startupz"))[0] == 200
        assert (await ask(app, "/readyz"))[0] == 200


class TestReadiness:
    async def test_tells_each_check_with_its_detail(self) -> None:
        app = health()
        app.started()

        async def good() -> str:
            return "migrations at 12"

        async def bad() -> None:
            raise ConnectionRefusedError("postgresql://u:canary@h refused")

        async def paused() -> None:
            raise NotReady("paused by an operator")

        app.add("good", good)
        app.add("bad", bad)
        app.add("paused", paused)
        status, headers, body = await ask(app, "/readyz")
        detail = json.loads(body)
        assert (status, detail["ready"], detail["state"]) == (503, False, "not ready")
        assert headers[b"content-type"] == b"application/json"
        assert detail["checks"]["good"] | {"ms": 0} == {"ok": True, "detail": "migrations at 12", "ms": 0}
        assert detail["checks"]["bad"]["error"] == "ConnectionRefusedError: postgresql://u:***@h refused"
        assert detail["checks"]["paused"]["error"] == "paused by an operator"

    async def test_is_over_when_the_service_stops(self) -> None:
        app = health()
        app.started()
        app.stopping()
        status, _, body = await ask(app, "/readyz")
        assert (status, json.loads(body)["state"]) == (503, "stopping")

    async def test_waits_for_a_hanging_check_no_longer_than_its_bound(self) -> None:
        app = health(check_timeout_s=0.05)
        app.started()
        cancelled = asyncio.Event()

        async def hanging() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                cancelled.set()

        app.add("kafka", hanging)
        began = time.monotonic()
        status, _, body = await ask(app, "/readyz")
        assert time.monotonic() - began < 10  # of sixty seconds
        assert (status, json.loads(body)["checks"]["kafka"]["error"]) == (503, "no answer within 0.05 s")
        await asyncio.wait_for(cancelled.wait(), 30)

    async def test_asks_a_dependency_once_for_many_probers(self) -> None:
        app = health(fresh_s=30)
        app.started()
        asked = 0

        async def counted() -> None:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.01)

        app.add("redis", counted)
        answers = await asyncio.gather(*(ask(app, "/readyz") for _ in range(50)))
        await ask(app, "/readyz")
        assert {status for status, _, _ in answers} == {200}
        assert asked == 1

    async def test_recovers_when_its_dependency_does(self) -> None:
        app = health(fresh_s=0)
        app.started()
        up = False

        async def flapping() -> None:
            if not up:
                raise NotReady("away")

        app.add("redis", flapping)
        assert (await ask(app, "/readyz"))[0] == 503
        up = True
        assert (await ask(app, "/readyz"))[0] == 200

    async def test_survives_a_prober_that_hangs_up(self) -> None:
        app = health()
        app.started()
        release = asyncio.Event()

        async def slow() -> None:
            await release.wait()

        app.add("redis", slow)
        impatient = asyncio.create_task(ask(app, "/readyz"))
        patient = asyncio.create_task(ask(app, "/readyz"))
        await asyncio.sleep(0.01)
        impatient.cancel()
        release.set()
        assert (await patient)[0] == 200

    def test_refuses_two_checks_of_one_name(self) -> None:
        app = health()

        async def good() -> None:
            return None

        app.add("redis", good)
        with pytest.raises(ValueError, match="redis"):
            app.add("redis", good)


class TestPages:
    async def test_version_names_the_build_and_the_process(self) -> None:
        document = json.loads((await ask(health(), "/version"))[2])
        assert document["service"] == "toy"
        assert document["commit"] == "abc"
        assert document["stack_id"] == "stack-1"
        assert document["pid"] > 0
        assert document["schema_version"] >= 0
        assert document["version"].count(".") == 2

    async def test_metrics_speak_both_formats(self) -> None:
        status, headers, body = await ask(health(), "/metrics")
        assert status == 200
        assert headers[b"content-type"].startswith(b"text/plain")
        assert b'millrace_build_info{revision="abc",version="1.2.3"} 1.0' in body
        _, headers, body = await ask(health(), "/metrics", accept="application/openmetrics-text; version=1.0.0")
        assert headers[b"content-type"].startswith(b"application/openmetrics-text")
        assert body.endswith(b"# EOF\n")

    async def test_head_has_no_body_and_the_length_of_one(self) -> None:
        status, headers, body = await ask(health(), "/livez", "HEAD")
        assert (status, body, int(headers[b"content-length"]) > 0) == (200, b"", True)

    async def test_anything_else_is_not_there(self) -> None:
        assert (await ask(health(), "/etc/passwd"))[0] == 404
