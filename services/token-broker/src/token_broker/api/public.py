"""The two addresses that a person's browser opens: the start of a consent, and the way back from the vendor."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from token_broker.api.context import ApiContext
from token_broker.api.pages import HEADERS, page
from token_broker.consent.consents import OPEN_FOR, Onward
from token_broker.consent.store import Consent

_TITLES = {
    "complete": (200, "Connected"),
    "choose": (200, "Almost done"),
    "granted": (200, "Almost done"),
    "denied": (200, "Access was rejected"),
    "failed": (400, "This did not work"),
}


def routes(context: ApiContext) -> APIRouter:
    """`/connect` and `/oauth`."""
    router = APIRouter(include_in_schema=False)
    secure = context.browser_url.startswith("https://")

    @router.get("/connect/{ticket}")
    async def connect(ticket: str, request: Request) -> Response:
        onward = await context.consents.open(ticket, _cookies(request, secure=secure))
        return _sent_on(onward, secure=secure)

    @router.get("/oauth/{family}/callback")
    async def callback(family: str, request: Request) -> Response:
        query = list(request.query_params.multi_items())
        consent = await context.consents.returned(family, query, _cookies(request, secure=secure))
        return _told(consent)

    return router


def _cookies(request: Request, *, secure: bool) -> Callable[[str], str]:
    return lambda consent_id: request.cookies.get(_cookie_name(consent_id, secure=secure), "")


def _cookie_name(consent_id: str, *, secure: bool) -> str:
    # With the prefix a browser takes it over TLS only, for this host only; one per consent, so that two do not disturb each other.
    return f"{'__Host-' if secure else ''}millrace-consent-{consent_id}"


def _sent_on(onward: Onward, *, secure: bool) -> Response:
    answer = RedirectResponse(onward.url, 303, HEADERS)
    # Lax: the vendor's redirect back is a navigation from another site.
    answer.set_cookie(
        _cookie_name(onward.consent_id, secure=secure),
        onward.session.reveal(),
        max_age=int(OPEN_FOR.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _told(consent: Consent) -> Response:
    status, title = _TITLES.get(consent.state, (400, "This did not work"))
    if consent.state == "granted":
        message = f"Access was given, but it is not known yet what it opens. {consent.message}"
        return page(status, title, message, "Go back to where you started; it can be asked again there.", consent.code)
    if consent.state == "choose":
        message = f"Access was given. {consent.message}"
        return page(status, title, message, "Go back to where you started and choose one. You can close this window.")
    return page(status, title, consent.message, consent.next, consent.code)
