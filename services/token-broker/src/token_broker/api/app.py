"""The broker's HTTP API, on one page.

Callers send `Authorization: Bearer <key>`; the key is the text of their own key file (`secrets/<service>.key`), the broker knows
only its SHA-256. Every answer carries `Cache-Control: no-store`; every refusal is `application/problem+json` with `code` from
`common.codes`, a sentence in `detail`, and `Retry-After` (seconds) where waiting helps.

Who: S = a service with the right `tokens` for the vendor, H = with `webhooks`, C = with `connections` (the console), K = with `keys`.

    S      POST   /v1/tokens/{connection}                      {} or {"generation", "reason": "unauthorised"} -> Token
    H      GET    /v1/webhook-secrets/{connection}             -> {"secrets": [Secret], "fresh_for_s"}
    H C    PUT    /v1/webhook-secrets/{connection}             {"vendor", "secret", "slot"?, "overlap_s"?} -> {"slot", "version"}
    H C    POST   /v1/webhook-secrets/{connection}/rotate      {"vendor", "slot"?, "secret"?, "overlap_s"?} -> Secret
    H C    DELETE /v1/webhook-secrets/{connection}?slot=S      -> {"deleted": n}
    C      POST   /v1/consents                                 {"connection", "vendor", "name", "site"?, "place"?, "by"?}
                                                               -> 201 Consent with `start_url`
    C      GET    /v1/consents/{id}?wait_s=0..25               -> Consent, as soon as its state changes or the wait is over
    C      POST   /v1/consents/{id}/places                     -> Consent (asks the vendor again what the grant opens)
    C      POST   /v1/consents/{id}/place                      {"place"} -> Consent, `state` = complete
    C      DELETE /v1/consents/{id}                            -> Consent, `state` = cancelled unless it was over before
    C      PUT    /v1/grants/{connection}/api-key              {"vendor", "api_key", "place"?, "by"?} -> Grant (tried first)
    C      PUT    /v1/grants/{connection}/client-credentials   {"vendor", "site", "place", "client_id"?, "client_secret"?, "by"?} -> Grant
    C      GET    /v1/grants                                   -> {"grants": [Grant]}
    C      GET    /v1/grants/{connection}                      -> Grant with "refreshes", the last 20
    C      DELETE /v1/grants/{connection}                      -> {"revoked": "yes" | "later" | "not offered" | "nothing"}
    C      GET    /v1/vendors                                  -> {"vendors": [{"vendor", "title", "ways", "sites", "ready"}]}
    C      GET    /v1/access-log?connection=C&limit=N          -> {"reads": [...]}
    K      GET    /v1/keys                                     -> Keys
    K      POST   /v1/keys/rotate                              -> 202 Keys (read GET /v1/keys for the progress)
    anyone GET    /connect/{ticket}                            the one-time start address: 303 to the vendor, with a session cookie
    anyone GET    /oauth/{family}/callback                     the vendor's redirect: a page that says what happened

Token: {"connection", "vendor", "kind": "oauth"|"client_credentials"|"api_key", "token", "generation", "expires_at": RFC 3339 or null,
"good_for_s": seconds}. `good_for_s` is how long the token may be used from now, by the business clock; keep it no longer and ask
again then (a token that never expires is lent for five minutes at a time). A 401 of the vendor is reported by asking with the
generation of the refused token and `"reason": "unauthorised"`: an older generation than the broker's costs nothing and gets the newer
token at once; the broker's own generation is refreshed once (or, where nothing can be refreshed, tried at the vendor).

Refusals of POST /v1/tokens: 401 CALLER_UNKNOWN (no key, or a revoked one), 403 CALLER_NOT_ALLOWED, 404 GRANT_UNKNOWN,
409 NEEDS_REAUTH (a person must reconnect; asking again is no use), 409 TOKEN_NOT_AT_FAULT (the vendor accepts the reported token:
the call lacks a scope or names another organisation), 503 TOKEN_THROTTLED (the vendor's or our token budget; Retry-After),
503 TOKEN_UNAVAILABLE (vendor or database away; Retry-After), 503 APP_REFUSED (our client id or secret; the operator must act).

Secret: {"slot", "version", "secret", "until": RFC 3339 or null}; newest first, every one listed is valid now. Where a vendor's webhooks
belong to our application, `app:{vendor}` stands for the connection.

Consent: {"id", "connection", "vendor", "state", "code", "message", "next", "start_url"?, "expires_at", "site", "scopes", "places":
[{"id","title","details"}], "place", "details"}. `state`: waiting -> opened -> granted (asking for places) -> choose -> complete; or
denied | expired | cancelled | failed. `start_url` is told once, in the answer that creates it. `details` are what belongs into
`core.connection.details`.

Grant: {"connection", "vendor", "kind", "state": "active"|"needs_reauth"|"revoking", "reason_code", "reason", "site", "place",
"details", "scopes", "generation", "granted_at", "granted_by", "expires_at", "refresh_at", "refreshed_at", "refresh_expires_at", "grant_ends_at",
"retry_at", "failures", "budget": {"used","of","window_s"} or null, "siblings": {"held","of"} or null, "warnings": [..]}. Never a
credential.

Keys: {"provider", "primary", "ring": [{"id","connections"}], "rotation": {"state": "idle"|"running"|"done"|"failed", "done", "total",
"started_at", "finished_at", "message"}}.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from common.api.entrance import Entrance
from token_broker.api import control, problems, public, serving
from token_broker.api.context import ApiContext

# FastAPI's own spans and log records carry the whole query and path of a request: the code and the state of a callback, the ticket of a
# start address. We make our own, by templates.
_SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def build(context: ApiContext) -> ASGIApp:
    """The application; the usual documentation pages load scripts from elsewhere, so there is only the document itself."""
    app = FastAPI(
        title="Millrace token-broker",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=_SILENT,
    )
    problems.install(app)
    for routes in (serving.routes(context), control.routes(context), public.routes(context)):
        app.include_router(routes)
    return Entrance(app)
