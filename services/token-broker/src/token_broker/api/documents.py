"""The bodies that the API takes, and the documents it answers with."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from common.secret import Secret
from token_broker.consent.store import Consent
from token_broker.vault.webhook_secrets import HookSecret

ConnectionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
# Where webhooks belong to our application and not to a connection, their secrets do as well: `app:` and the vendor.
HookOwner = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{1,64}|app:[a-z0-9-]{1,40})$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]
Line = Annotated[str, StringConstraints(max_length=200)]


class Body(BaseModel):
    """A body with exactly these fields; its values are never repeated in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ConsentBody(Body):
    """A consent that is to begin."""

    connection: ConnectionName
    vendor: Word
    name: Line
    site: Word = ""
    place: Word = ""
    by: Line = ""


class PlaceBody(Body):
    """The place that a person chose."""

    place: Word


class ApiKeyBody(Body):
    """A key that a person pasted."""

    vendor: Word
    api_key: Secret
    place: Word = ""
    by: Line = ""


class HeadlessBody(Body):
    """Client credentials, and what they are for."""

    vendor: Word
    site: Word
    place: Word
    client_id: Line = ""
    client_secret: Secret = Secret("")
    by: Line = ""


class HookSecretBody(Body):
    """A secret that a vendor gave, or that a hook was made with."""

    vendor: Word
    secret: Secret
    slot: Word = "default"
    overlap_s: float = Field(86400, ge=0, le=30 * 86400)


class RotateBody(Body):
    """A secret that takes the place of another; without one the broker makes it."""

    vendor: Word
    slot: Word = "default"
    secret: Secret | None = None
    overlap_s: float = Field(86400, ge=0, le=30 * 86400)


def consent_document(consent: Consent) -> dict[str, Any]:
    """A consent as the console sees it."""
    return {
        "id": consent.id,
        "connection": consent.connection,
        "vendor": consent.vendor,
        "name": consent.name,
        "state": consent.state,
        "code": consent.code,
        "message": consent.message,
        "next": consent.next,
        "expires_at": consent.expires_at,
        "site": consent.site or consent.asked_site,
        "scopes": list(consent.scopes),
        "places": [{"id": p.id, "title": p.title, "details": dict(p.details)} for p in consent.places],
        "place": consent.place,
        "details": dict(consent.details),
    }


def hook_document(found: HookSecret) -> dict[str, Any]:
    """A webhook secret for the gateway."""
    return {"slot": found.slot, "version": found.version, "secret": found.secret.reveal(), "until": found.until}
