"""Members of an audience, written: what one call does, and what its answer says of each row.

In: acts of one kind, whose intents are stored. Out: a verdict on each. Durable: at the vendor, whenever it likes; here nothing.

No call of ours raises a member's consent. New members are made by a batch that cannot update (`update_existing` false), and existing
ones are changed without a status; the acts that carry one (create, return, withdraw) got theirs in planning.py, which never raises it.
A row's own verdict counts, HTTP 200 means nothing, and a row that is passed over in silence is read again.

A crash before a call sent nothing. A crash after that leaves an intent whose outcome one look tells (`landed`). Every act can be repeated:
its key is the subscriber hash; a second create is refused as known, a second change, archive or tag changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.contracts.syncs import Mode
from common.failures import Conflict, Failure
from common.http.call import Api, Call
from vendors.absorbing import Absorbed, Fact, TargetEvent
from vendors.acts import Act, Answered, Attempt, ByMatch, Done, Sending, Step, Verdict, Work
from vendors.catalogue import AskedField, FieldCatalogue, MadeFields
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.mailchimp import (
    catalogue,
    echoes,
    hearing,
    knowledge,
    looking,
    planning,
    row_errors,
    seeing,
    verdicts,
    wire,
)
from vendors.mailchimp.consent import ARCHIVED
from vendors.mailchimp.errors import MC_MEMBER_EXISTS
from vendors.mailchimp.looking import LIST, MEMBER
from vendors.mailchimp.members import key_of, subscriber_hash
from vendors.mailchimp.memory import STANDING
from vendors.mailchimp.operations import Operations
from vendors.mailchimp.planning import Audience
from vendors.mailchimp.tagging import Tagging
from vendors.target_record import TargetRecord

_NO_LINKS = {"exclude_fields": "_links,new_members._links,updated_members._links"}


class MailchimpTarget:
    """Writes members."""

    mode: Mode = "state"
    places_name = "audience"
    # No call of the vendor's shows several members by their addresses without lagging behind what was written (sheet, section 3.5).
    looks = 1
    together = planning.ROWS
    key_missing = SkipReason.NO_EMAIL
    key_invalid = SkipReason.INVALID_EMAIL
    choices = catalogue.CHOICES
    facts_in_parts = frozenset[str]()
    hears: bool = True
    deferred: Deferred | None = Operations()

    def identify(self, document: Mapping[str, Any]) -> ByMatch | None:
        """By the address; two spellings of it are one member."""
        key = key_of(str(document.get("email") or ""))
        return ByMatch("email", key) if key else None

    def keys(self, document: Mapping[str, Any]) -> Sequence[str]:
        match = self.identify(document)
        return [match.value] if match else []

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Archived, left as it is, or marked with a tag."""
        return {"how": how} | ({"tag": str(options.get("gone_tag", "inactive"))} if how == "tag" else {})

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        """A member that is tagged, or left as it is, stays."""
        return bool(document.get("how", "archive") == "archive")

    def plan(self, work: Work, facts: object | None) -> Step:
        assert facts is None or isinstance(facts, Audience)
        return planning.plan(work, facts)

    def absorb(self, known: TargetRecord, fact: Fact) -> Absorbed:
        return knowledge.absorb(known, fact)

    def landed(self, attempt: Attempt, seen: TargetRecord) -> Done | None:
        return seeing.landed(attempt, seen)

    def late(self, attempt: Attempt, known: TargetRecord, seen: TargetRecord) -> bool:
        return seeing.late(attempt, known, seen)

    def brings(self, act: Act) -> bool:
        return seeing.brings(act)

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        return seeing.drifted(known, seen)

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return echoes.parsed(event)

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return hearing.urgent(known, event, in_flight)

    async def apply(
        self, place: str, acts: Sequence[Act], facts: object | None, api: Api, sending: Sending
    ) -> Answered:
        """One call. Repeatable by the subscriber hash: a repeat of any act changes nothing or is refused as known."""
        action = acts[0].action.partition(":")[0]
        if action in ("give", "take"):
            assert isinstance(facts, Audience | None)
            return await Tagging(place, api, sending, facts.tags if facts else {}).change(acts)
        if action == "create" or acts[0].batch:
            return await self._batch(place, acts, api, sending, updates=action != "create")
        return await self._single(place, acts[0], api, sending)

    async def look(self, place: str, keys: Sequence[str], api: Api) -> Mapping[str, TargetRecord | Failure]:
        """One call for each member."""
        return {key: await looking.look_at(place, key, api) for key in keys}

    async def facts(
        self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()
    ) -> Audience:
        return await catalogue.audience(place, api)

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        return await catalogue.places(api)

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return await catalogue.fields(place, api)

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        return await catalogue.create_fields(place, asked, api)

    async def _batch(self, place: str, acts: Sequence[Act], api: Api, sending: Sending, *, updates: bool) -> Answered:
        rows = [
            wire.row(str(act.values.get("email", act.key)), str(act.values.get(STANDING, "")), act.values)
            for act in acts
        ]
        body = {"members": rows, "update_existing": updates}
        operation = "members.update_many" if updates else "members.create_many"
        call = _writing("POST", LIST, operation, {"list_id": place}, body, sending, _NO_LINKS)
        # A 404 to a batch is about its audience and about none of its rows.
        answer = await catalogue.found(place, api, call)
        parsed = wire.document(answer.body)
        with wire.reading(answer.body):
            done = wire.by_key([*parsed.get("new_members", ()), *parsed.get("updated_members", ())])
            refused = {key_of(str(one.get("email_address", ""))): one for one in parsed.get("errors", ())}
            return Answered([_of_row(act, done, refused) for act in acts], answer)

    async def _single(self, place: str, act: Act, api: Api, sending: Sending) -> Answered:
        path = {"list_id": place, "hash": subscriber_hash(act.key)}
        if act.action == "archive":
            call = _writing("DELETE", MEMBER, "members.archive", path, None, sending)
        else:
            body = wire.change(str(act.values.get(STANDING, "")), act.values)
            call = _writing("PATCH", MEMBER, "members.update", path, body, sending, {"exclude_fields": "_links"})
        try:
            answer = await api.call(call)
        except Failure as failure:
            raise verdicts.of_one(failure) from failure
        verdict = Done({STANDING: ARCHIVED}) if act.action == "archive" else verdicts.shown(answer.body)
        return Answered([verdict], answer)


def _writing(
    method: str, template: str, operation: str, path: Mapping[str, str], body: Any, sending: Sending,
    query: Mapping[str, str] | None = None,
) -> Call:  # fmt: skip
    return Call(
        method, template, operation, path=path, query=query or {}, json=body, writes=True, priority=sending.priority,
        before_send=sending.before_send,
    )  # fmt: skip


def _of_row(act: Act, done: Mapping[str, Mapping[str, Any]], refused: Mapping[str, Mapping[str, Any]]) -> Verdict:
    if act.key in done:
        shown = wire.member(done[act.key])
        gave = list(act.values.get("tags", ())) if act.action == "create" else []
        return verdicts.done(shown, {"gave": gave})
    if act.key in refused:
        return row_errors.failure(refused[act.key])
    return Conflict(
        MC_MEMBER_EXISTS.name, "Mailchimp passed over the row in silence; the member is read and decided again."
    )
