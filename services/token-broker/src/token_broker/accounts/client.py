"""Speaks to vendors' accounts servers: one request, no redirect, only to the vendor's own origins, with an end to every wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from opentelemetry import trace

from common import telemetry
from common.clock import monotonic
from common.failures import Bug
from common.http import door_codes
from common.http.exchange import NoAnswer, RawAnswer, exchange, open_client
from common.http.profile import Timeouts
from vendors.grant import GrantCall, GrantReply, NotGranted
from vendors.grant_codes import ACCOUNTS_FAULT

TIMEOUTS = Timeouts(connect=5.0, read=15.0, write=5.0, pool=5.0, total=20.0)
# The sender's own deadline and as much again for the vendor's gateway to end what we gave up.
HORIZON = timedelta(seconds=2 * TIMEOUTS.total)
MAX_BODY = 256 * 1024


class Accounts:
    """The client; one for the process."""

    def __init__(self, timeouts: Timeouts = TIMEOUTS) -> None:
        self._total = timeouts.total
        self._client = open_client(timeouts)

    async def send(
        self, call: GrantCall, origins: frozenset[str], before_send: Callable[[], None] | None = None
    ) -> GrantReply | NotGranted:
        """The vendor's answer, or `transient` when nothing was sent, or `unknown` when the answer did not come."""
        parts = urlsplit(call.url)
        if f"{parts.scheme}://{parts.netloc}" not in origins:
            raise Bug(door_codes.DOOR_HOST_REFUSED.name, "An accounts request was about to leave the vendor's hosts.")
        request = self._client.build_request(
            call.method, call.url, data=call.form, json=call.json, headers=dict(call.headers)
        )
        # The template names the span: the address may hold a code, the headers a token.
        with telemetry.tracer().start_as_current_span(
            f"{call.method} {call.template}",
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": call.method,
                "url.template": call.template,
                "server.address": parts.hostname or "",
            },
        ) as span:
            found = await exchange(
                self._client, request, deadline=monotonic() + self._total, max_body=MAX_BODY, before_send=before_send
            )
            if isinstance(found, RawAnswer):
                span.set_attribute("http.response.status_code", found.status)
            else:
                span.set_attribute("error.type", found.cause)
        return GrantReply(found.status, found.body) if isinstance(found, RawAnswer) else _told(found)

    async def aclose(self) -> None:
        await self._client.aclose()


def _told(trouble: NoAnswer) -> NotGranted:
    if trouble.held is not None:
        raise trouble.held
    if not trouble.sent:
        return NotGranted(
            "transient", ACCOUNTS_FAULT.name, "The vendor's accounts server could not be reached.", trouble.cause
        )
    return NotGranted(
        "unknown", ACCOUNTS_FAULT.name, "The vendor's accounts server gave no whole answer in time.", trouble.cause
    )
