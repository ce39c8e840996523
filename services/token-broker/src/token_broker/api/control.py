"""The routes of the console and the operator: consents, grants, webhook secrets, keys."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from common.api.refusal import Refusal
from token_broker import codes
from token_broker.api.context import ApiContext, answer
from token_broker.api.documents import (
    ApiKeyBody,
    ConnectionName,
    ConsentBody,
    HeadlessBody,
    HookOwner,
    HookSecretBody,
    PlaceBody,
    RotateBody,
    Word,
    consent_document,
    hook_document,
)
from token_broker.consent.consents import ConsentRequest
from token_broker.consent.grants import Headless
from token_broker.vault.webhook_secrets import fresh_secret
from vendors.channel import app_secrets_of

WaitS = Annotated[float, Query(ge=0, le=25)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def routes(context: ApiContext) -> APIRouter:
    """Everything that changes what the vault holds."""
    router = APIRouter()
    _consents(router, context)
    _grants(router, context)
    _webhook_secrets(router, context)
    _keys(router, context)
    return router


def _consents(router: APIRouter, context: ApiContext) -> None:
    @router.post("/v1/consents", status_code=201)
    async def start(body: ConsentBody, request: Request) -> Response:
        context.caller(request, "connections", body.vendor)
        wish = ConsentRequest(body.connection, body.vendor, body.name, body.site, body.place, body.by)
        consent, ticket = await context.consents.start(wish)
        start_url = f"{context.browser_url}/connect/{ticket.reveal()}"
        return answer(consent_document(consent) | {"start_url": start_url}, 201)

    @router.get("/v1/consents/{consent_id}")
    async def read(consent_id: Word, request: Request, wait_s: WaitS = 0.0) -> Response:
        context.caller(request, "connections")
        return answer(consent_document(await context.consents.read(consent_id, wait_s)))

    @router.post("/v1/consents/{consent_id}/places")
    async def discover(consent_id: Word, request: Request) -> Response:
        context.caller(request, "connections")
        return answer(consent_document(await context.consents.discover(consent_id)))

    @router.post("/v1/consents/{consent_id}/place")
    async def choose(consent_id: Word, body: PlaceBody, request: Request) -> Response:
        context.caller(request, "connections")
        return answer(consent_document(await context.consents.choose(consent_id, body.place)))

    @router.delete("/v1/consents/{consent_id}")
    async def cancel(consent_id: Word, request: Request) -> Response:
        context.caller(request, "connections")
        return answer(consent_document(await context.consents.cancel(consent_id)))


def _grants(router: APIRouter, context: ApiContext) -> None:
    @router.put("/v1/grants/{connection}/api-key")
    async def put_api_key(connection: ConnectionName, body: ApiKeyBody, request: Request) -> Response:
        context.caller(request, "connections", body.vendor)
        await context.grants.put_api_key(connection, body.vendor, body.api_key, body.by, body.place)
        return answer(await context.overview.one(connection))

    @router.put("/v1/grants/{connection}/client-credentials")
    async def put_headless(connection: ConnectionName, body: HeadlessBody, request: Request) -> Response:
        context.caller(request, "connections", body.vendor)
        await context.grants.put_headless(
            Headless(connection, body.vendor, body.site, body.place, body.client_id, body.client_secret, body.by)
        )
        return answer(await context.overview.one(connection))

    @router.get("/v1/grants")
    async def grants(request: Request) -> Response:
        context.caller(request, "connections")
        return answer({"grants": await context.overview.all()})

    @router.get("/v1/grants/{connection}")
    async def grant(connection: ConnectionName, request: Request) -> Response:
        context.caller(request, "connections")
        return answer(await context.overview.one(connection))

    @router.delete("/v1/grants/{connection}")
    async def delete(connection: ConnectionName, request: Request) -> Response:
        context.caller(request, "connections")
        return answer({"revoked": await context.grants.delete(connection)})

    @router.get("/v1/vendors")
    async def vendors(request: Request) -> Response:
        context.caller(request, "connections")
        return answer({"vendors": [_vendor(context, name) for name in context.registry.vendors]})

    @router.get("/v1/access-log")
    async def access_log(connection: HookOwner, request: Request, limit: Limit = 100) -> Response:
        context.caller(request, "connections")
        return answer({"reads": await context.access_log.recent(connection, limit)})


def _webhook_secrets(router: APIRouter, context: ApiContext) -> None:
    @router.put("/v1/webhook-secrets/{connection}")
    async def put(connection: HookOwner, body: HookSecretBody, request: Request) -> Response:
        context.caller(request, "webhooks", body.vendor)
        _of_vendor(connection, body.vendor)
        overlap = timedelta(seconds=body.overlap_s)
        stored = await context.webhook_secrets.put(connection, body.vendor, body.slot, body.secret, overlap)
        return answer({"slot": stored.slot, "version": stored.version})

    @router.post("/v1/webhook-secrets/{connection}/rotate")
    async def rotate(connection: HookOwner, body: RotateBody, request: Request) -> Response:
        context.caller(request, "webhooks", body.vendor)
        _of_vendor(connection, body.vendor)
        secret, overlap = body.secret or fresh_secret(), timedelta(seconds=body.overlap_s)
        stored = await context.webhook_secrets.put(connection, body.vendor, body.slot, secret, overlap)
        return answer(hook_document(stored) | {"former_until": context.clock.now() + overlap})

    @router.delete("/v1/webhook-secrets/{connection}")
    async def delete(connection: HookOwner, request: Request, slot: Word = "default") -> Response:
        vendor = await context.webhook_secrets.vendor(connection)
        context.caller(request, "webhooks", vendor)
        return answer({"deleted": await context.webhook_secrets.delete(connection, slot)})


def _of_vendor(owner: str, vendor: str) -> None:
    if ":" in owner and owner != app_secrets_of(vendor):
        raise Refusal(422, codes.REQUEST_INVALID, f"{owner} is not the application at {vendor}.")


def _keys(router: APIRouter, context: ApiContext) -> None:
    @router.get("/v1/keys")
    async def keys(request: Request) -> Response:
        context.caller(request, "keys")
        return answer(await _ring(context))

    @router.post("/v1/keys/rotate", status_code=202)
    async def rotate(request: Request) -> Response:
        context.caller(request, "keys")
        await context.rotation.begin()
        return answer(await _ring(context), 202)


async def _ring(context: ApiContext) -> dict[str, Any]:
    counts = await context.rotation.connections_by_key()
    return {
        "provider": context.ring.provider,
        "primary": context.ring.primary,
        "ring": [{"id": key_id, "connections": count} for key_id, count in counts.items()],
        "rotation": asdict(context.rotation.progress),
    }


def _vendor(context: ApiContext, name: str) -> dict[str, Any]:
    oauth, api_key, own = (
        context.registry.oauth(name),
        context.registry.api_key(name),
        context.registry.own_site(name),
    )
    ways = ["consent"] if oauth else []
    ways += ["api-key"] if api_key else []
    ways += ["client-credentials"] if oauth and oauth.headless else []
    return {
        "vendor": name,
        "title": context.registry.title(name),
        "ways": ways,
        "sites": list(oauth.sites) if oauth else [],
        "own_site": {"word": own.word, "example": own.example} if own else None,
        "ready": context.registry.has_client(name),
    }
