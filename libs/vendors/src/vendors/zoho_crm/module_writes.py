"""The calls that write to a module, and the vendor's verdict on each row.

A record is made by an upsert that looks for our own field alone: sent twice it is there once. No workflow of the account is set off, unless
the mapping says so. A row
that is refused keeps no other from being written, and the answer tells of each in the order in which they were sent (207).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from common.failures import Conflict, Failure, Unknown
from common.http.call import Call, VendorAnswer
from common.http.door_codes import VENDOR_ANSWER_UNREADABLE
from vendors.acts import Act, Answered, Done, Sending, Verdict
from vendors.zoho_crm import errors, module_wire, wire
from vendors.zoho_crm.module_facts import ModuleFacts
from vendors.zoho_crm.module_plan import DELETE, SINCE, TRIGGER, TargetModule
from vendors.zoho_crm.reader import STAMP, author_of
from vendors.zoho_crm.write_codes import ZC_MET_ANOTHER, refused

UNMODIFIED = "If-Unmodified-Since"


def call_of(module: TargetModule, acts: Sequence[Act], facts: ModuleFacts, sending: Sending) -> Call:
    """One call for acts of one batch."""
    action, name = acts[0].action, module.reader.module
    operation = f"{module.reader.entity}s.{action}"
    more: dict[str, Any] = {"writes": True, "priority": sending.priority, "before_send": sending.before_send}
    if action == DELETE:
        return Call("DELETE", f"/{name}/{{id}}", operation, path={"id": acts[0].memory["id"]}, **more)
    rows = [module_wire.row(module.reader, act.values, module.key_field, facts) for act in acts]
    body: dict[str, Any] = {"trigger": acts[0].memory.get(TRIGGER, []), "data": rows}
    if action == "upsert":
        return Call(
            "POST", f"/{name}/upsert", operation, json=body | {"duplicate_check_fields": [module.key_field]}, **more
        )  # fmt: skip
    if action == "create":
        return Call("POST", f"/{name}", operation, json=body, **more)
    headers = _compared(acts)
    if len(acts) == 1:
        return Call(
            "PUT", f"/{name}/{{id}}", operation, path={"id": acts[0].memory["id"]}, json=body, headers=headers, **more
        )  # fmt: skip
    body["data"] = [row | {"id": act.memory["id"]} for row, act in zip(rows, acts, strict=True)]
    return Call("PUT", f"/{name}", operation, json=body, headers=headers, **more)


def _compared(acts: Sequence[Act]) -> dict[str, str]:
    """R19: of a call of several rows it is the newest of their versions; what a person has changed since then is refused."""
    versions = [str(act.memory[SINCE]) for act in acts if act.memory.get(SINCE)]
    return {UNMODIFIED: max(versions)} if len(versions) == len(acts) else {}


def answered(module: TargetModule, acts: Sequence[Act], answer: VendorAnswer) -> Answered:
    with reading_a_write(answer):
        rows: Sequence[Mapping[str, Any]] = wire.body_of(answer.body)["data"]
        return Answered([_verdict(module, act, row, answer) for act, row in zip(acts, rows, strict=True)], answer)


@contextmanager
def reading_a_write(answer: VendorAnswer) -> Iterator[None]:
    """A success that nobody can read has been applied all the same: what became of it is looked at (R2)."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as odd:
        code = VENDOR_ANSWER_UNREADABLE
        raise Unknown(
            code.name, code.meaning, vendor_status=answer.status, vendor_request_id=answer.request_id
        ) from odd


def _verdict(module: TargetModule, act: Act, row: Mapping[str, Any], answer: VendorAnswer) -> Verdict:
    if row["status"] != "success":
        return refusal_of(errors.of_row(answer.status, row, answer.date))
    if act.action == DELETE:
        return Done(exists=False)
    details = row["details"]
    id = wire.record_id(details["id"])
    if id is None:
        raise ValueError("The verdict names no record.")
    met = row.get("duplicate_field")
    if act.action == "upsert" and row.get("action") == "update" and met and met != module.key_field:
        return refused(ZC_MET_ANOTHER, f"The field is {met}, the record is {id}.")
    return Done(id=id, stamp=wire.stamp(details.get(STAMP)), author=author_of(details))


def refusal_of(failure: Failure) -> Failure:
    """A record that is gone since it was read is looked at, and it is decided again."""
    if failure.code != errors.ZC_NOT_FOUND.name:
        return failure
    return Conflict(
        failure.code, failure.message, vendor_status=failure.vendor_status, vendor_code=failure.vendor_code,
        vendor_words=failure.vendor_words, vendor_request_id=failure.vendor_request_id,
    )  # fmt: skip
