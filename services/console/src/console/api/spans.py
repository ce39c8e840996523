"""The span of each request: a child of the caller's, if it sent one."""

from __future__ import annotations

from opentelemetry import propagate, trace
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from common import telemetry


class Spans:
    """Wraps the application; does nothing while nobody traces."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not telemetry.tracing_on():
            await self._app(scope, receive, send)
            return
        # The template of the address is not known yet; what follows /api/v1/<noun> is an id and stays out of the name.
        name = f"{scope['method']} {'/'.join(scope['path'].split('/')[:4])}"
        context = propagate.extract(Headers(scope=scope))
        with telemetry.tracer().start_as_current_span(
            name, context=context, kind=trace.SpanKind.SERVER, record_exception=False
        ):
            await self._app(scope, receive, send)
