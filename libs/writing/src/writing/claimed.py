"""A record that somebody has taken, with everything that planning its next step needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from common.contracts.ids import Entity
from common.contracts.messages import Lane, RecordRef
from common.contracts.outcomes import SkipReason
from common.failures import Failure
from common.state.pairs import PairRow
from common.state.runs import Did
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Wait, Work
from vendors.target import Target
from vendors.target_record import TargetRecord
from writing.items import Item, TargetKey
from writing.needs import Linked
from writing.owners import Ownership
from writing.vendor_code import vendor_code


@dataclass(slots=True)
class Claimed:
    """Taken by a token; `known` and `fresh` follow what is learnt on the way."""

    item: Item
    ownership: Ownership
    known: dict[str, TargetRecord]
    past: tuple[str, ...] = ()
    """Every other key the record has ever had in this place."""
    elsewhere: tuple[TargetRecord, ...] = ()
    capabilities: frozenset[str] = frozenset()
    lessons: dict[str, bool] = field(default_factory=dict)
    """What writes have taught of its place: one for all rows of the place in this process, so that each knows at once."""
    fresh: set[str] = field(default_factory=set)
    result_so_far: Did = ""
    call_group: str = ""
    """The broken call that it was part of: until it has passed one, it goes out with the others of that call only."""
    alone: bool = False
    """A deferred call of which it was part was refused: now it goes by itself."""
    facts: object | None = None
    """Those of the place by which the last step was planned."""
    linked: dict[RecordRef, str] = field(default_factory=dict)
    """The ids at the target of the records that it needs, as far as they are linked."""
    linked_as: dict[RecordRef, Entity] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    """The keys of which the vendor has just answered what they are."""
    pair: PairRow | None = None
    """Where its leg has a way back: the pair as it was when the record was taken."""
    met: Literal["", "joined", "taken"] = ""
    """What came of a look for the counterpart that a record of such a leg had not yet: it is that one, or that one is another's."""
    first_body: Mapping[str, Any] | None = None
    """What its first create has carried, while nobody knows what became of it."""

    def step(self, target: Target, facts: object | None) -> Step | Failure:
        """The next step towards the wish; pure. A document on which the vendor's code breaks is a failure of this record alone."""
        planned = self._missing() or self._planned(target, facts)
        if isinstance(planned, NeedFacts) and isinstance(planned.otherwise, Act):
            return replace(planned, otherwise=self._by_mode(target, planned.otherwise))
        return self._by_mode(target, planned) if isinstance(planned, Act) else planned

    def know(self, linked: Mapping[RecordRef, Linked]) -> None:
        """What it needs is there."""
        self.linked |= {ref: one.id for ref, one in linked.items()}
        self.linked_as |= {ref: one.entity for ref, one in linked.items()}

    def _missing(self) -> Wait | None:
        """R23: what it needs comes first."""
        needs = self.item.needs if self.item.wish == "present" else ()
        return next((Wait(one) for one in needs if one not in self.linked), None)

    def _by_mode(self, target: Target, act: Act) -> Act | Look:
        """What holds for records that are made once, and for texts that people edit, whatever was planned."""
        if target.mode == "once" and target.brings(act):
            # R24: a create that may be on its way is repeated as it was, and newer content follows as an update.
            return replace(act, values=self.first_body if self.first_body is not None else act.values)
        if target.mode == "once" and act.key not in self.fresh | self.written:
            # R25: what was not just written is read first, because a person may have changed it.
            return Look(act.key)
        if target.mode == "rendered" and act.key not in self.fresh:
            # R26: the text and its token come from one read, and never from what our tables know of each by itself.
            return act if act.is_of_one_answer else Look(act.key)
        return act

    def _planned(self, target: Target, facts: object | None) -> Step | Failure:
        if self.item.wish == "keep":
            # What is kept as it is gets no call; it ends as skipped, by the reason it carries.
            return Nothing()
        if self.met == "taken":
            # R21: a record has one counterpart.
            return Skip(SkipReason.SHARES_TARGET)
        if self.met == "joined":
            # What each side shall get is judged now that both are known.
            return Nothing()
        try:
            with vendor_code():
                return target.plan(self.work(), facts)
        except Failure as failure:
            return failure

    def work(self) -> Work:
        """R14: every key of the record but the wanted one is left, and what is there goes where nobody else lives."""
        item, own = self.item, self.ownership
        assert item.wish != "keep", "nothing is planned for it"
        key, leaving = own.wanted, tuple(one for one in own.former if one in own.alone)
        if own.stays:
            # The last key is not left then: what becomes of its record is the target's own.
            key = own.last if own.last in own.unwanted else ""
        return Work(
            wish=item.wish, document=item.document, key=key, is_writer=own.is_writer, former=own.former, leaving=leaving,
            past=self.past, elsewhere=self.elsewhere, known=self.known, fresh=frozenset(self.fresh), capabilities=self.capabilities,
            lessons=self.lessons, linked=self.linked, linked_as=self.linked_as, is_live=item.lane is Lane.LIVE,
            is_paired=self.pair is not None,
        )  # fmt: skip

    def target(self, key: str) -> TargetKey:
        return self.item.target(key)

    def before(self, act: Act) -> Mapping[str, Any]:
        """What was seen until now, as far as the act changes it."""
        known = self.known.get(act.key, TargetRecord())
        return {path: known.seen[path] for path in act.values if path in known.seen}
