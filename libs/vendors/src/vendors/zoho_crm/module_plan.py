"""The next act that brings a record to a module of Zoho CRM: pure.

Who is meant is told by the link, else by our own field, which has the id of the record at the other system. Who is not found by it may be
there all the same, entered by a person a moment ago: whoever has the e-mail address, and nobody's id, is that one. What people keep there
beside the fields that are mapped is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.contracts.ids import Entity, RecordId
from common.contracts.messages import RecordRef
from common.contracts.outcomes import SkipReason
from common.failures import Rejected
from vendors.acts import Act, Look, NeedFacts, Nothing, Skip, Step, Wait, Work, id_of_key
from vendors.target_record import TargetRecord
from vendors.zoho import knowing
from vendors.zoho_crm import module_wire
from vendors.zoho_crm.errors import ZC_DUPLICATE
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_looks import NEWLY, OURS, SAME, UNKEYED, VERSION
from vendors.zoho_crm.module_wire import KEY
from vendors.zoho_crm.reader import ModuleReader
from vendors.zoho_crm.write_codes import ZC_CHOICE_UNKNOWN, ZC_FIELD_MISSING, refused

EMAIL = "email"
DELETE = "delete"
ROWS = 100
BLIND = "writes_blindly"
"""A capability: this account does not compare versions. Whoever is about to write looks a moment before."""
COMPARE, COMPARES = "compare", ("version", "none")
"""The path by which a mapping says the same."""
TRIGGER = "trigger"
"""The path that says which automation of the account a write sets off; in the memory of an act, the vendor's names of it."""
TRIGGERS: Mapping[str, tuple[str, ...]] = {
    "none": (), "workflow": ("workflow",), "approval": ("approval",), "blueprint": ("blueprint",), "all": ("workflow", "approval", "blueprint"),
}  # fmt: skip
MET = "met"
"""In the memory of an act: what whoever was met had beside what is written."""
SINCE = "since"
"""In the memory of an act: the version that it was planned from; whatever is newer refuses it."""


@dataclass(frozen=True, slots=True)
class TargetModule:
    """What differs from one module to another: a row of the table in `modules.py`."""

    reader: ModuleReader
    parents: Mapping[str, Entity] = field(default_factory=dict)
    """Paths that name another record by its id at the other system, and which entity that is there."""
    goes_as: Mapping[tuple[str, Entity], str] = field(default_factory=dict)
    """Under which path such a record goes that is something else at the vendor: a customer who is a person there."""
    matches_only: frozenset[str] = frozenset()
    """Paths that say how a record is found, and that it has no field for."""
    stand_ins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that the vendor wants a value of, and what is given for one that is empty."""

    @property
    def key_field(self) -> str:
        """The vendor's name of our own field."""
        return self.reader.ours

    @property
    def by_contacts(self) -> bool:
        """Whether an e-mail address is that of its contacts."""
        return EMAIL in self.matches_only


def next_step(module: TargetModule, work: Work, facts: object | None) -> Step:
    if work.wish == "absent":
        return _left(work)
    if not work.is_writer:
        return Skip(SkipReason.SHARES_TARGET)
    known = work.known.get(work.key, TargetRecord())
    if knowing.at_rest(known, work.document):
        return Nothing()
    if (known.exists is None or known.doubtful) and work.key not in work.fresh:
        return Look(work.key)
    wanted = _wanted(module, work, known, facts)
    if isinstance(wanted, Wait):
        return wanted
    if not known.exists:
        return _absent(module, work, known, wanted, facts)
    return _changed(module, work, known, wanted, facts)


def alike(module: TargetModule, path: str, value: Any) -> Any:
    """A value in the form in which two of them compare."""
    return module_wire.plain(module.reader, path, value)


def mail_of(document: Mapping[str, Any]) -> str:
    return str(document.get(EMAIL) or "").strip().casefold()


# --- what is wished


def _wanted(module: TargetModule, work: Work, known: TargetRecord, facts: object | None) -> dict[str, Any] | Wait:
    wanted = dict[str, Any]()
    for path, value in work.document.items():
        if (
            path in (TRIGGER, COMPARE)
            or path in module.matches_only
            or module_wire.is_lacking(module.reader, path, facts)
        ):
            continue
        if path not in module.parents:
            wanted[path] = alike(module, path, value)
        elif not value:
            wanted[path] = None
        else:
            parent = RecordRef(entity=module.parents[path], record=RecordId(str(value)))
            if parent not in work.linked:
                return Wait(parent)
            kind = work.linked_as.get(parent)
            wanted[path if kind is None else module.goes_as.get((path, kind), path)] = work.linked[parent]
    return wanted | _stand_ins(module, wanted, known)


def _stand_ins(module: TargetModule, wanted: Mapping[str, Any], known: TargetRecord) -> dict[str, Any]:
    """A record that has no last name has one here: the vendor takes none without."""
    found = dict[str, Any]()
    for path, others in module.stand_ins.items():
        is_needed = path in wanted or not known.exists
        if is_needed and not wanted.get(path):
            there = (wanted.get(other) or known.seen.get(other) for other in others)
            found[path] = next((value for value in there if value), None)
    return {path: value for path, value in found.items() if value}


# --- who is not there


def _absent(
    module: TargetModule, work: Work, known: TargetRecord, wanted: Mapping[str, Any], facts: object | None
) -> Step:  # fmt: skip
    if known.met or id_of_key(work.key):
        return Skip(SkipReason.NOT_AT_TARGET)
    if not isinstance(facts, ModuleFacts):
        return NeedFacts()
    if step := _met(module, work, wanted, facts):
        return step
    # What no two records can have follows by an update, which the vendor refuses where it is taken; an upsert would change whoever has it.
    values = {
        path: value
        for path, value in wanted.items()
        if value is not None and (path == KEY or not _is_others(module, path, facts))
    }
    action = "upsert" if values.get(KEY) else "create"
    # Two rows of one call with one name that only one may have would become one record.
    alone = bool(_taken_once(module, wanted, facts))
    batch = "" if alone else _batch(action, work)
    act = Act(action, work.key, values, "added", batch=batch, most=1 if alone else ROWS, memory=_triggered(work))
    return _checked(module, act, facts)


def _met(module: TargetModule, work: Work, wanted: Mapping[str, Any], facts: ModuleFacts) -> Step | None:
    """Whoever is there without our id: the one with the address becomes ours, the one with a name that only one can have is a question.

    Of a pair it was decided before whether it is one of those that are there, perhaps by a person: only who was entered since is met.
    """
    among = NEWLY if work.is_paired else UNKEYED
    unkeyed = f"{among}{mail}" if (mail := mail_of(work.document)) and work.key.startswith(OURS) else ""
    if unkeyed:
        if unkeyed not in work.fresh:
            return Look(unkeyed)
        other = work.known.get(unkeyed, TargetRecord())
        if other.exists:
            step = _changed(module, work, other, wanted, facts)
            return replace(step, memory={**step.memory, MET: dict(other.seen)}) if isinstance(step, Act) else step
    for name, value in _taken_once(module, wanted, facts).items():
        same = f"{SAME}{name}={value}"
        if same not in work.fresh:
            return Look(same)
        if work.known.get(same, TargetRecord()).exists:
            raise refused(ZC_DUPLICATE, f"It is {name}; the other record is {work.known[same].id}.")
    return None


def _taken_once(module: TargetModule, wanted: Mapping[str, Any], facts: ModuleFacts) -> dict[str, Any]:
    """What a record cannot be made without, and no two may share."""
    found = dict[str, Any]()
    for path, value in wanted.items():
        for name in _names(module, path):
            if value and path != KEY and facts.refuses_twice(name) and facts.fields[name].mandatory:
                found[name] = value
    return found


def _is_others(module: TargetModule, path: str, facts: ModuleFacts) -> bool:
    return any(facts.refuses_twice(name) and not facts.fields[name].mandatory for name in _names(module, path))


def _names(module: TargetModule, path: str) -> tuple[str, ...]:
    column = module_wire.columns_of(module.reader).get(path)
    if column is not None:
        return column.names
    return (module.key_field if path == KEY else path.removeprefix(module_wire.CUSTOM),)


# --- who is there


def _changed(
    module: TargetModule, work: Work, known: TargetRecord, wanted: Mapping[str, Any], facts: object | None
) -> Step:  # fmt: skip
    changed = knowing.differences(wanted, known, lambda path, value: alike(module, path, value))
    if not changed:
        return Nothing()
    if not isinstance(facts, ModuleFacts):
        return NeedFacts()
    if not id_of_key(work.key):
        return _checked(module, _update(work, known, changed, ""), facts)
    since = "" if BLIND in work.capabilities or work.document.get(COMPARE) == "none" else _since(known)
    if not since and work.key not in work.fresh:
        # R19: read, merge, write at once; a version whose second is not over is none to compare with.
        return Look(work.key)
    return _checked(module, _update(work, known, changed, since), facts)


def _update(work: Work, known: TargetRecord, changed: Mapping[str, Any], since: str) -> Act:
    """What is compared goes alone: the version is that of a call, and not of a row. A first load has no time for that."""
    memory = {"id": known.id, **_triggered(work)} | ({SINCE: since} if since else {})
    batch = "" if since and work.is_live else _batch("update", work)
    return Act("update", work.key, changed, batch=batch, most=ROWS if batch else 1, memory=memory)


def _batch(action: str, work: Work) -> str:
    """What a call sets off it does for all of its rows."""
    return ":".join((action, *_triggered(work).get(TRIGGER, ())))


def _triggered(work: Work) -> dict[str, list[str]]:
    """Nothing, unless the mapping says so: automation is for what people do."""
    names = TRIGGERS.get(str(work.document.get(TRIGGER) or "none"))
    if names is None:
        raise refused(ZC_CHOICE_UNKNOWN, f"It is {TRIGGER}, which can be {', '.join(TRIGGERS)}.")
    return {TRIGGER: list(names)} if names else {}


def _since(known: TargetRecord) -> str:
    """The newest version that is settled: of the pair, or of a look."""
    pair = known.stamp.isoformat() if known.stamp is not None else ""
    return max(pair, str(known.memory.get(VERSION) or ""))


def _left(work: Work) -> Step:
    key = work.key or next(iter(work.leaving), "")
    if work.document.get("how") != DELETE or not key:
        return Nothing()
    known = work.known.get(key, TargetRecord())
    if (known.exists is None or known.doubtful) and key not in work.fresh:
        return Look(key)
    if not known.exists:
        return Nothing()
    return Act(DELETE, key, {}, counts_as="removed", memory={"id": known.id})


# --- what may be sent


def _checked(module: TargetModule, act: Act, facts: ModuleFacts) -> Step:
    """Nothing is sent that the fields of the account cannot take; they are asked for again first, because a person may have changed them."""
    try:
        if KEY in act.values and not facts.has(module.key_field):
            raise refused(ZC_FIELD_MISSING, f"It is {module.key_field}.")
        module_wire.row(module.reader, act.values, module.key_field, facts)
    except Rejected as refusal:
        return NeedFacts(frozenset({"fields"}), otherwise=refusal)
    return act


def without_version(known: TargetRecord) -> TargetRecord:
    """After a write of ours its version is not settled: only a read can say so."""
    return replace(known, memory={name: value for name, value in known.memory.items() if name != VERSION})
