"""The routes of webhooks that belong to our application at a vendor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, Field, field_validator

from common.secret import Secret
from console.api.answers import problems
from console.api.context import ApiContext
from console.api.documents import Body
from console.api.once import StoredAnswer
from console.use_cases.app_channels import AppChannel

Name = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="The vendor.")]

Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key again: the same answer again.")]


class HeardDocument(BaseModel):
    """A connection of the vendor."""

    connection: str
    name: str
    heard_at: datetime | None = Field(description="When an event of its account last came.")


class TroubleDocument(BaseModel):
    """What came and was not taken, and what to do."""

    code: str
    at: datetime
    words: str
    message: str
    action: str


class AppChannelDocument(BaseModel):
    """How a vendor calls us for all connections."""

    vendor: str
    title: str
    address: str = Field(description="What a person enters in the settings of the application at the vendor.")
    steps: list[str] = Field(description="What a person does on the vendor's page.")
    has_secret: bool = Field(description="Without one nothing that comes is believed.")
    heard_at: datetime | None = Field(description="When the last event came that fits; null: none yet.")
    connections: list[HeardDocument]
    troubles: list[TroubleDocument]


class AppSecretBody(Body):
    """What the vendor's page shows."""

    secret: Secret = Field(description="What the vendor signs with; never told again.")

    @field_validator("secret")
    @classmethod
    def _is_one(cls, secret: Secret) -> Secret:
        """With a short one anybody could sign."""
        if not 8 <= len(secret.reveal().strip()) <= 200:
            raise ValueError("a secret has 8 to 200 characters")
        return Secret(secret.reveal().strip())


def routes(context: ApiContext) -> APIRouter:
    """Everything under /app-channels."""
    router = APIRouter(tags=["channels"])

    @router.get("/app-channels/{vendor}", response_model=AppChannelDocument, responses=problems(404, 409))
    async def app_channel(vendor: Name) -> AppChannelDocument:
        return _document(await context.app_channels.show(vendor))

    @router.post("/app-channels/{vendor}/secret", response_model=AppChannelDocument, responses=problems(404, 409, 422))
    async def enter(vendor: Name, body: AppSecretBody, request: Request, key: Key = None) -> Response:
        async def work() -> StoredAnswer:
            return StoredAnswer(200, _document(await context.app_channels.enter(vendor, body.secret)))

        return await context.once.run(request, work)

    return router


def _document(found: AppChannel) -> AppChannelDocument:
    return AppChannelDocument(
        vendor=found.vendor.name, title=found.vendor.title, address=found.address, steps=list(found.steps),
        has_secret=found.has_secret, heard_at=found.heard_at,
        connections=[HeardDocument(connection=one.connection, name=one.name, heard_at=one.heard_at) for one in found.connections],
        troubles=[
            TroubleDocument(code=one.code.name, at=one.at, words=one.words, message=one.code.meaning, action=one.code.action)
            for one in found.troubles
        ],
    )  # fmt: skip
