"""What a simulated vendor is to the core: the contract between the two, on one page.

The core reads a request, asks the simulator whose prefix fits to `admit` it, puts the configured faults around
`handle`, logs the call with what it applied, and calls `leave` once the answer is out. Everything a simulator does
with its state is synchronous, so that one request is one atomic step, whatever faults surround it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import orjson

from sandbox.delivery import Attempt, Delivery

Operation = Literal["create", "update", "noop", "delete"]


class Applied(NamedTuple):
    """One record that a call touched, as the activity log tells it."""

    kind: str
    id: str
    op: Operation


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the simulator sees it; `path` and `segments` lie below the simulator's prefix."""

    method: str
    prefix: str  # the part of the address the simulator owns, "/zoho/eu/api/books/v3"
    path: str  # percent-decoded, "/contacts/46"
    segments: tuple[str, ...]  # the path split before decoding: ("contacts", "46")
    raw_path: str
    query: list[tuple[str, str]]
    raw_query: bytes
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    base_url: str  # scheme and Host header: what absolute addresses in answers begin with
    operator: bool  # true: called with an operator token, outside every budget and count
    now: datetime  # the sandbox's clock, UTC
    mono_ns: int  # the first byte
    id: str  # for vendors that answer with a request id; also in the log

    def param(self, name: str) -> str | None:
        """The last value of a query parameter, or None."""
        return next((value for key, value in reversed(self.query) if key == name), None)


@dataclass(slots=True)
class Answer:
    """What goes back to the caller, and what the log has to know about it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    applied: Sequence[Applied] = ()
    account: str = ""
    route: str = ""  # the template: "GET /contacts/{id}"

    @staticmethod
    def json(status: int, document: object, account: str = "", route: str = "") -> Answer:
        headers = {"content-type": "application/json;charset=UTF-8"}
        return Answer(status, orjson.dumps(document), headers, (), account, route)


@dataclass(slots=True)
class Ticket:
    """An admitted call. A simulator may subclass it to carry what it learnt; it must stay picklable."""

    account: str
    route: str = ""


class Reading(NamedTuple):
    """One meter as the page shows it: calls used of those allowed."""

    account: str
    meter: str
    used: int
    limit: int


class Simulator(Protocol):
    """One simulated vendor."""

    vendor: str

    def owns(self, path: str) -> str | None:
        """The prefix under which this simulator answers `path` (undecoded), None when it is not its own."""

    def admit(self, request: Request) -> Answer | Ticket:
        """Authorise and meter: count the call, take its concurrency place, or answer the vendor's refusal.

        Operator requests are neither limited nor counted.
        """

    def handle(self, request: Request, ticket: Ticket) -> Answer:
        """The state change, in one synchronous step. With a late commit it comes after `leave`, `now` being later."""

    def leave(self, ticket: Ticket) -> None:
        """Free the concurrency place; called exactly once for each ticket, when the answer is out."""

    def throttled(self, request: Request, ticket: Ticket) -> Answer:
        """The vendor's own answer to a call too many (429 storms)."""

    def revoke(self, request: Request) -> None:
        """Kill the credential this request carries, as if the user had revoked the grant (fault `token_revoked`)."""

    def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        """Learn how one webhook attempt ended; True: try again if the delivery's schedule has a turn left."""

    def accounts(self) -> list[dict[str, object]]:
        """Everything needed to connect; addresses begin with "{base}", which the core fills from the Host header."""

    def meters(self, now: datetime) -> list[Reading]:
        """Use against limits, for the page."""

    def seed(self, account: str, size: int, seed: int, trouble: bool) -> dict[str, object]:
        """Fill an account, deterministically; raises ValueError for what cannot be."""

    def state(self, account: str | None) -> dict[str, object]:
        """Everything stored, JSON-able by orjson; raises KeyError for an unknown account."""

    def set_limits(self, wanted: dict[str, object]) -> dict[str, object]:
        """Change window mode, numbers, plan or switches; returns those in force; raises ValueError."""

    def reset(self) -> None:
        """Back to the first start."""

    def dump(self) -> object:
        """The whole state, picklable."""

    def load(self, dumped: object) -> None:
        """Take back what `dump` gave."""

    def due(self, now: datetime) -> None:
        """The clock moved or a second passed: overdue invoices, expiries, batches that finish. Cheap when idle."""


@runtime_checkable
class Probes(Protocol):
    """A vendor that calls an address before it accepts it, for example that of a new hook."""

    def probes(self, request: Request, ticket: Ticket) -> Sequence[Delivery]:
        """What must be asked before `handle`; mostly nothing."""

    def probed(self, ticket: Ticket, statuses: Sequence[int]) -> None:
        """The answers, in order; 0 for none."""


@runtime_checkable
class HasOwnHeader(Protocol):
    """A vendor whose clients send their credential, bare, in a header of its own instead of `Authorization`."""

    credential_header: str


@runtime_checkable
class Acts(Protocol):
    """A vendor with people who do things outside the API: `POST /_sandbox/{vendor}/{account}/people`."""

    def act(self, account: str, body: dict[str, object]) -> dict[str, object]:
        """Let somebody do something; raises KeyError for who is not there, ValueError for what cannot be."""


@runtime_checkable
class Works(Protocol):
    """A vendor that works off calls handed in earlier, for example the operations of a batch."""

    def worked(self) -> Sequence[tuple[Request, Answer]]:
        """What was done since the last question, for the log; its routes are kept apart from those of calls."""
