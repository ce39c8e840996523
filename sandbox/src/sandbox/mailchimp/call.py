"""What a route's handler gets and gives: one call of the API, with everything it may need to answer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.mailchimp import fields
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Document
from sandbox.mailchimp.member import Member
from sandbox.mailchimp.problems import not_found
from sandbox.mailchimp.switches import Switches
from sandbox.simulator import Applied, Operation


@dataclass(slots=True)
class Reply:
    """The answer of a handler; no document means no body."""

    document: object = None
    status: int = 200


NO_CONTENT = Reply(status=204)


@dataclass(slots=True)
class Call:
    """One API call, from outside or out of an asynchronous batch; `send` queues a message to a hook."""

    account: Account
    switches: Switches
    now: int
    base_url: str
    query: dict[str, str]
    body: Document
    send: Callable[[Sendable], None]
    params: dict[str, str] = field(default_factory=dict)
    in_batch: bool = False
    reachable: bool = True
    applied: list[Applied] = field(default_factory=list)

    @property
    def api_root(self) -> str:
        return f"{self.base_url}/mailchimp/{self.account.dc}/3.0"

    @property
    def audience(self) -> Audience:
        return self.account.audience(self.params["list_id"])

    @property
    def member(self) -> Member:
        found = self.audience.find(self.params["subscriber_hash"])
        if found is None:
            raise not_found()
        return found

    def note(self, kind: str, record_id: object, op: Operation) -> None:
        self.applied.append(Applied(kind, str(record_id), op))

    def shown(self, document: object) -> Reply:
        """An answer under the caller's `fields` or `exclude_fields`."""
        return Reply(fields.project(document, self.query.get("fields"), self.query.get("exclude_fields")))

    def asks(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("true", "1")


@dataclass(frozen=True, slots=True)
class Sendable:
    """A message for a hook; it is signed at each attempt, so the key stays with the hook."""

    hook_id: str
    url: str
    body: bytes
    topic: str
    kind: str = "audience"
