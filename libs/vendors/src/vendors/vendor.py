"""What a vendor has to tell us, on one page: how to be let in, how to be read, how to be written, how it calls us.

Values and protocols without Kafka, SQL or a service. A vendor folder fills in a `Vendor`; whatever is made from that is listed nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NewType, Protocol

from common.contracts.connections import Connection
from common.contracts.ids import ConnectionId, Entity, RecordId, VendorName
from common.contracts.messages import Coverage, Receipt, Version
from common.failures import Failure
from common.http.door import Api, Call
from common.http.profile import Profile
from vendors.catalogue import FieldCatalogue
from vendors.channel import Channel
from vendors.feeds import Feed
from vendors.grant import Grant, Place
from vendors.inner_records import InnerRecords
from vendors.merged import MergedAway
from vendors.money_figures import MoneyFigures
from vendors.notices import AccountNotice
from vendors.own_sync import OwnSync
from vendors.own_webhooks import OwnWebhooks
from vendors.privacy import PrivacyAsk
from vendors.read_costs import ReadCosts
from vendors.target import Target
from vendors.target_listing import TargetListing

# --- how it calls us -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request at our gateway, before anybody believed it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """The public address that the vendor called: some sign it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The sender is who it says it is; `by` names the proof."""

    by: str


@dataclass(frozen=True, slots=True)
class Unverified:
    """The proof is missing or wrong; `reason` is for the operator and never holds a secret."""

    reason: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Which record a message is about: enough for its key."""

    entity: Entity
    record: RecordId
    heard: Announcement | None = field(default=None, compare=False)
    """Where somebody has told of it, but not all there is."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a webhook has told of a record: a read of the rest completes it, where that is of the same version."""

    version: Version
    fields: Mapping[str, Any]


class Inbox(Protocol):
    """How this vendor's webhooks are recognised; pure, on the raw bytes, in constant time."""

    keeps_headers: tuple[str, ...]
    """Headers worth keeping in the receipt; signatures are, credentials never."""
    patience: timedelta
    """How long the vendor waits for our answer."""

    def greeting(self, request: HookRequest) -> bytes | None:
        """The body of the 200 that answers a validation request, or None when this is no validation."""

    def verify(self, request: HookRequest, secrets: Sequence[bytes], now: datetime) -> Verified | Unverified:
        """Two secrets are accepted while one of them is being rotated."""

    def subject(self, request: HookRequest) -> Subject | None:
        """The record that the request is about, or None where the body does not say."""


@dataclass(frozen=True, slots=True)
class HookPart:
    """What a webhook that is about several accounts tells one of them: one event."""

    account: str
    """The vendor's own id of the account; empty where the event does not say."""
    body: bytes
    """The event, as the source reads it in a receipt. The same event is the same bytes, whatever it came with."""


class AppInbox(Inbox, Protocol):
    """Of a vendor whose webhooks belong to our application: one address and one secret for all accounts, whose events come mixed."""

    entered: Sequence[str]
    """What a person does on the vendor's page, a step a line; `{address}` stands for ours."""

    def split(self, request: HookRequest) -> Sequence[HookPart]:
        """Each event by itself, in the order of the body; raises a `Rejected` failure when it is not readable."""


# --- how it is read --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """What one answer or one webhook says of one record, in neutral words."""

    entity: Entity
    record: RecordId
    kind: Literal["changed", "deleted", "asked"]
    version: Version
    coverage: Coverage
    fields: Mapping[str, Any]
    observed_at: datetime
    place: str = ""
    """Which organisation, shop or audience it is in, where records of several come through one connection."""
    author: str = ""
    """Who has made this version, by the vendor's own id of a user, where it says so."""


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """What a receipt tells by itself, and which records have to be read because it is too thin."""

    states: Sequence[State] = ()
    thin: Sequence[Subject] = ()
    doubts_access: bool = False
    """The vendor says that we are let in no more. A message may be late or repeated, so a call decides."""
    privacy: PrivacyAsk | None = None
    """Somebody asks what is kept, or to be forgotten."""
    repeat_of: Sequence[str] = ()
    """The names under which the vendor sends the very same bytes again, where it has any."""
    notices: Sequence[AccountNotice] = ()
    """What people have to know of the connection."""
    merged: Sequence[MergedAway] = ()
    """Whose past belongs to whom from now on; what became of the records themselves is read."""


Cursor = NewType("Cursor", str)
"""How far an account has been read, in the vendor's own words and text to everybody else. It never grows old: an earlier one reads more."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a listing. What the vendor lists as gone is a state `asked` in it: only a read by id decides (R12)."""

    states: Sequence[State]
    next: Cursor | None
    """Where to go on once these states are durable; None while there is nothing to go on from."""
    complete: bool = False
    """It was read whole, and nothing showed a change meanwhile: a record that was in no page may be gone, so whoever misses one asks (R12)."""
    about: int | None = None
    """How many records the listing has, within a tenth; None on pages that tell nothing of it."""


class Source(Protocol):
    """How records are read from this vendor."""

    entities: Mapping[Entity, str]
    """Our name of the entity -> the vendor's own, as people see it."""
    settles_after: timedelta
    """R10: how long after a stamp an answer may still show an older state: the stamp's resolution plus the read lag."""
    polled_every: timedelta
    """How often it is asked what has changed, as long as its webhooks come."""
    feeds: Mapping[Entity, Feed]
    """Which of its records tell of others. Nobody tells of a record that tells of others itself."""

    detail_only: Mapping[Entity, frozenset[str]]
    """Fields of a record, by their first name, that a read by id tells and a listing may not: a mapping that reads one costs a call a record."""

    def receipt(self, receipt: Receipt) -> ReceiptReading:
        """Reads a verified webhook; raises a `Rejected` failure when it is not readable."""

    async def read(self, connection: Connection, subjects: Sequence[Subject], api: Api) -> Sequence[State | Failure]:
        """Reads records by id, together where the vendor can: one answer a subject, in their order.

        Of one that somebody was heard to tell of, the rest is enough while its version is still that one; the answer tells all of it.
        A record that is gone is a state `deleted` (R12); one failure does not keep the others from being read.
        """

    def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """Lists every record, or what has changed since a cursor: one list call a page, of the largest size, when it is asked for.

        R10: a row is settled only where the answer's own Date says so. R11: the last page's cursor is the newest stamp seen, and not
        later than what was settled when the listing began; so whatever was still changing is read again. `place`: which of the
        account's places, where it has several. A row that is not readable is a state `asked`; such a page is a `Failure`.
        """

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """Where the records are that come through this connection: organisations, shops, audiences. A leg may take those of one."""

    async def catalogue(self, connection: Connection, entity: Entity, api: Api) -> FieldCatalogue:
        """The fields that this account's records have, custom fields included."""


class WholeAccount(Protocol):
    """How an account is read for the first time, where the vendor has a way of its own for whole ones."""

    def pages(
        self, connection: Connection, entity: Entity, since: Cursor | None, api: Api, place: str = ""
    ) -> AsyncIterator[Page]:
        """As those of the source, of everything. Only for whoever keeps the cursors: a page without records may hold nothing but one."""


def _nothing_to_say(connection: Connection, entity: Entity) -> Sequence[str]:
    return ()


def _has_everything(connection: Connection, entity: Entity) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How places are read that are written to: what people and other applications did there is known though no webhook came."""

    told_by: Mapping[Entity, Entity]
    """What is written -> the entity of the source that tells of the same records."""
    since: Callable[[datetime], Cursor]
    """The cursor of a moment: what was there before is looked at when it is first written."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Everything true of one vendor; the registry lists these and nothing else does."""

    name: VendorName
    title: str
    profile: Profile
    """What the door needs: hosts, limits, failures, the form of the credential."""
    grant: Grant | None = None
    inbox: Inbox | None = None
    app_inbox: AppInbox | None = None
    """In the place of `inbox` where webhooks belong to the application; whose they are, `account_detail` tells."""
    source: Source | None = None
    reads: ReadCosts = field(default_factory=ReadCosts)
    whole: WholeAccount | None = None
    remarks: Callable[[Connection, Entity], Sequence[str]] = _nothing_to_say
    """What a person has to know of what is read here, before a sync starts from it and while it runs."""
    lacks: Callable[[Connection, Entity], bool] = _has_everything
    """Which of its kinds of records, and `custom_field`, an account has not, as far as its edition is known: a template has other legs then."""
    targets: Mapping[Entity, Target] = field(default_factory=dict)
    """What can be written there, by our name of it: members, contacts, invoices. Part of every target key."""
    writes_at_once: int = 4
    """Calls that a writer makes at a time for one connection; the budget shares the vendor's own number among all processes."""
    channel: Channel | None = None
    ping: Callable[[Connection], Call] | None = None
    """The cheapest call that shows whether this connection works, its place included."""
    listings: Mapping[Entity, TargetListing] = field(default_factory=dict)
    """What is written there and can be listed as a whole: both sides of it are compared."""
    inner: Mapping[Entity, InnerRecords] = field(default_factory=dict)
    """Which of its kinds of records are told inside others."""
    read_back: ReadBack | None = None
    money: Mapping[Entity, MoneyFigures] = field(default_factory=dict)
    """Of what is written there, which acts move money; a summary of a day adds them up."""
    own_syncs: Sequence[OwnSync] = ()
    """Which other vendors' records it keeps in step with its own by itself, where an account has that switched on."""
    page: Callable[[Connection, Entity, RecordId], str] | None = None
    """Where a person sees one of its records in the vendor's own web application; empty for what has no page."""
    ranks: Mapping[Entity, str] = field(default_factory=dict)
    """Of its records that share a target record the one with the lowest number in this field speaks: how deep a customer is under another."""
    account_detail: str = ""
    """The detail by which the vendor names an account; a trial has found it out."""
    own_webhooks: Mapping[Entity, OwnWebhooks] = field(default_factory=dict)
    """Those of its kinds of records into which we write: webhooks of our own writes cost no read."""

    def account(self, connection: Connection) -> str:
        """The vendor's own account behind a connection: two connections to one share everything that is known and owned there.

        The connection's id until the account has been learnt.
        """
        account = connection.details.get(self.account_detail, "")
        return f"{self.name}:{account}" if account else connection.id


def connection_of(vendor: VendorName, connection_id: str, **details: str) -> Connection:
    """A connection value for tests and probes."""
    return Connection(ConnectionId(connection_id), vendor, connection_id, "active", details)
