"""`Idempotency-Key`: the same request made twice is done once, and gets the same answer.

What is told only once (the start address of a consent) is not kept: a repeat gets the answer without it, and asks for a fresh one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from common.api.problems import NO_STORE
from common.api.refusal import Refusal
from common.state import pool as state
from console import codes
from console.state import idempotency

Work = Callable[[], Awaitable["StoredAnswer"]]
_LONGEST = 128


class StoredAnswer:
    """What a use case leads to; `kept` is what a repeat gets, where that is less."""

    def __init__(self, status: int, document: BaseModel, *, etag: str = "", kept: BaseModel | None = None) -> None:
        self.status = status
        self.document = document
        self.etag = etag
        self.kept = document if kept is None else kept

    def response(self) -> Response:
        headers = {**NO_STORE, **({"etag": self.etag} if self.etag else {})}
        body = self.document.model_dump_json().encode()
        return Response(body, self.status, headers, "application/json")


class Once:
    """Keeps keys and answers in PostgreSQL, so that replicas and restarts agree."""

    def __init__(self, pool: state.Pool) -> None:
        self._pool = pool

    async def run(self, request: Request, work: Work) -> Response:
        """Does the work unless the same key has an answer already."""
        key = request.headers.get("idempotency-key")
        if key is None:
            return (await work()).response()
        if not 0 < len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
            raise Refusal(422, codes.API_REQUEST_INVALID, f"An Idempotency-Key has 1 to {_LONGEST} printable letters.")
        claim = await idempotency.claim(self._pool, key, await _fingerprint(request))
        match claim.verdict:
            case "other":
                raise Refusal(422, codes.IDEMPOTENCY_KEY_REUSED)
            case "busy":
                raise Refusal(409, codes.IDEMPOTENCY_IN_PROGRESS, retry_after_s=1)
            case "answered":
                headers = {**NO_STORE, "idempotency-replayed": "true"}
                return Response(orjson.dumps(claim.body), claim.status, headers, "application/json")
        return await self._first(key, work)

    async def _first(self, key: str, work: Work) -> Response:
        try:
            answer = await work()
        except BaseException:
            await idempotency.released(self._pool, key)
            raise
        await idempotency.answered(self._pool, key, answer.status, answer.kept.model_dump(mode="json"))
        return answer.response()


async def _fingerprint(request: Request) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
