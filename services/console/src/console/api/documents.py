"""The documents of connections: what the API takes and what it answers; the command line's `--json` shows the same."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from common.http.quota import Quota
from common.secret import Secret
from console.broker import BrokerGrant, Ways
from console.use_cases.connecting import ConnectRequest, Road
from console.use_cases.connections import Shown
from console.use_cases.trials import Trial
from vendors.registry import VENDORS


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only letters, digits, signs and single spaces can be printed")
    return text


ConnectionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"),
    AfterValidator(_printable),
]  # fmt: skip
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[\x20-\x7e]*$")]


class Body(BaseModel):
    """A body with exactly these fields; its values are never repeated in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CredentialBody(Body):
    """How an account is connected: with neither key nor client secret, by consent in a browser."""

    site: Word = Field(
        "", description="The vendor's data centre, found out when left empty; or the shop, by name or domain."
    )
    place: Word = Field("", description="The organisation or account to connect, when it is known beforehand.")
    api_key: Secret | None = None
    client_id: Line = ""
    client_secret: Secret | None = None

    def wish(self, by: str) -> ConnectRequest:
        return ConnectRequest(self.site, self.place, self.api_key, self.client_id, self.client_secret, by)


class NewConnection(CredentialBody):
    """An account to be connected."""

    vendor: Word
    name: Name


class NameBody(Body):
    """Another name."""

    name: Name


class ChosenPlaceBody(Body):
    """The place that was chosen."""

    place: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class GateDocument(BaseModel):
    """A reason why the connection's work waits."""

    reason: str
    place: str = Field("", description="Where it holds: an audience, an organisation; empty: everywhere.")
    until: datetime | None
    code: str
    message: str
    set_at: datetime


class GrantDocument(BaseModel):
    """The standing of the credential; never the credential."""

    kind: str
    state: str
    reason_code: str
    reason: str
    site: str
    place: str
    scopes: list[str]
    granted_at: datetime | None
    granted_by: str
    expires_at: datetime | None
    refresh_at: datetime | None
    refreshed_at: datetime | None
    refresh_expires_at: datetime | None
    grant_ends_at: datetime | None = Field(
        description="When it ends however often it is renewed, where the vendor says so."
    )
    retry_at: datetime | None
    failures: int
    budget: dict[str, float] | None
    siblings: dict[str, int] | None
    warnings: list[str]


class ConnectionDocument(BaseModel):
    """One account. `standing`: ok, connecting, restored, needs_reauth, refused, vendor_away, paused, exhausted, throttled, deleting."""

    id: str
    vendor: str
    title: str
    name: str
    state: str
    standing: str
    details: dict[str, str]
    capabilities: list[str]
    gates: list[GateDocument]
    grant: GrantDocument | None = Field(description="None while there is none, or while the token-broker is away.")
    trouble: str = Field(description="Why it is not connected yet, or why the last try failed; empty when all is well.")
    tested_at: datetime | None
    created_at: datetime
    created_by: str
    updated_at: datetime


class ConnectionPage(BaseModel):
    """Some connections in the order of their names."""

    items: list[ConnectionDocument]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; None on the last one.")


class PlaceDocument(BaseModel):
    """One organisation or account that the grant opens."""

    id: str
    title: str
    details: dict[str, str]


class RoadDocument(BaseModel):
    """How far connecting has come.

    `state`: waiting, opened, exchanging, granted, choose, testing, and at the end connected, denied, expired, cancelled or failed.
    """

    state: str
    over: bool
    code: str
    message: str
    next: str
    start_url: str | None = Field(description="The address to open in a browser: told once, when it is made.")
    expires_at: datetime | None
    places: list[PlaceDocument]


class ConnectingDocument(BaseModel):
    """A connection, and the road to it."""

    connection: ConnectionDocument
    road: RoadDocument


class TrialDocument(BaseModel):
    """What one cheap call told."""

    ok: bool
    at: datetime
    duration_ms: int
    code: str
    message: str
    action: str
    vendor_status: int | None
    vendor_words: str
    passing: bool


class DeletedDocument(BaseModel):
    """What became of the grant: yes (revoked), later, not offered, nothing; `waiting` while the token-broker is away."""

    id: str
    revoked: str


class LimitDocument(BaseModel):
    """One limit; figures are None while Redis is away."""

    name: str
    shape: str
    count: int
    reserved: int
    ours: int
    window_s: float
    used: int | None
    in_flight: int | None
    waiting: int | None
    resets_at: datetime | None
    paused_until: datetime | None
    exhausted: bool
    forecast: int | None = Field(description="Of a month: calls at its end, if it goes on like the last days.")


class QuotaDocument(BaseModel):
    """Everything that the connection's calls count against, in the scope in which the vendor counts."""

    scope: str
    metered: bool
    limits: list[LimitDocument]


class VendorDocument(BaseModel):
    """A vendor, and the ways to connect it here."""

    vendor: str
    title: str
    ways: list[str]
    sites: list[str]
    own_site: dict[str, str] | None = Field(description="What `site` has to name: the `word` for it, an `example`.")
    ready: bool = Field(
        description="Whether this installation has an application at the vendor, as a consent needs it."
    )


class VendorList(BaseModel):
    """All vendors."""

    items: list[VendorDocument]


def connection_document(shown: Shown) -> ConnectionDocument:
    """A connection as everybody sees it."""
    row = shown.row
    return ConnectionDocument(
        id=row.id,
        vendor=row.vendor,
        title=_title(row.vendor),
        name=row.name,
        state=row.state,
        standing=shown.standing,
        details={name: str(value) for name, value in row.details.items()},
        capabilities=list(row.capabilities),
        gates=[GateDocument(**{name: getattr(gate, name) for name in GateDocument.model_fields}) for gate in row.gates],
        grant=None if shown.grant is None else _grant(shown.grant),
        trouble=shown.trouble,
        tested_at=row.tested_at,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
    )


def road_document(road: Road) -> RoadDocument:
    """The road, with its start address if it was just made."""
    consent = road.consent
    places = consent.places if consent is not None and road.state == "choose" else ()
    return RoadDocument(
        state=road.state,
        over=road.is_over,
        code=road.code,
        message=road.message,
        next=road.next,
        start_url=None if road.start_url is None else road.start_url.reveal(),
        expires_at=consent.expires_at if consent is not None else None,
        places=[PlaceDocument(id=p.id, title=p.title, details=p.details) for p in places],
    )


def trial_document(trial: Trial) -> TrialDocument:
    """The outcome of a try."""
    kept = {name: getattr(trial, name) for name in TrialDocument.model_fields if name != "duration_ms"}
    return TrialDocument(**kept, duration_ms=round(trial.duration_s * 1000))


def quota_document(quota: Quota) -> QuotaDocument:
    """The quota."""
    names = LimitDocument.model_fields
    limits = [LimitDocument(**{name: getattr(use, name) for name in names}) for use in quota.limits]
    return QuotaDocument(scope=quota.key, metered=quota.metered, limits=limits)


def vendor_document(ways: Ways) -> VendorDocument:
    """A vendor."""
    return VendorDocument(
        vendor=ways.vendor, title=ways.title, ways=list(ways.ways), sites=list(ways.sites), ready=ways.ready,
        own_site=ways.own_site,
    )  # fmt: skip


def _grant(grant: BrokerGrant) -> GrantDocument:
    return GrantDocument.model_validate(grant.model_dump(include=set(GrantDocument.model_fields)))


def _title(vendor: str) -> str:
    return next((known.title for known in VENDORS.values() if known.name == vendor), vendor)
