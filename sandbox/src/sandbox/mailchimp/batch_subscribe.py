"""`POST /lists/{list_id}`: up to five hundred members in one synchronous call, HTTP 200 whatever becomes of the rows.

There is no `status_if_new` here: a row's `status` is applied to known members too. What a row without `status` does to
one of them is not settled by the vendor's documents, hence the switch `batch_row_without_status`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.mailchimp import tags
from sandbox.mailchimp.bodies import Document, Rule, check, flag, rows, text
from sandbox.mailchimp.call import Call, Reply
from sandbox.mailchimp.member import SETTABLE, Member, Status, hash_of
from sandbox.mailchimp.member_view import view
from sandbox.mailchimp.problems import FieldError, Problem, invalid_fields
from sandbox.mailchimp.upsert import Writer, check_body, status_of

MOST_ROWS = 500
ROW_STATUS = ("status", Rule(choices=SETTABLE))


def post(call: Call) -> Reply:
    audience = call.audience
    check(call.body, {"members": Rule("array"), "update_existing": Rule("boolean"), "sync_tags": Rule("boolean")})
    given = rows(call.body, "members")
    if "members" not in call.body:
        raise invalid_fields([FieldError("members", "This value should not be blank.")])
    if len(given) > MOST_ROWS:
        raise invalid_fields([FieldError("members", f"This collection should contain {MOST_ROWS} elements or less.")])
    batch = _Batch(call, Writer(call, audience, skip_merge_validation=call.asks("skip_merge_validation")))
    for row in given:
        batch.take(row)
    return call.shown(batch.document())


class _Batch:
    """One request's rows, each on its own: a refused row leaves the others as they are."""

    def __init__(self, call: Call, writer: Writer) -> None:
        self._call, self._writer, self._audience = call, writer, call.audience
        self._update = flag(call.body, "update_existing")
        # The vendor replaces tags only of members that the request may change at all.
        self._sync_tags = flag(call.body, "sync_tags") and self._update
        self._skip_duplicates = call.asks("skip_duplicate_check")
        self._seen: set[str] = set()
        self._new: list[Member] = []
        self._updated: list[Member] = []
        self._errors: list[dict[str, object]] = []

    def take(self, row: object) -> None:
        body: Document = row if isinstance(row, dict) else {}
        try:
            self._write(body)
        except Problem as problem:
            if not self._silent(problem):
                self._errors.append(row_error(text(body, "email_address"), problem))

    def _silent(self, problem: Problem) -> bool:
        return problem.title == "Member In Compliance State" and self._call.switches.batch_compliance == "skip"

    def _write(self, body: Document) -> None:
        check_body(body, ("email_address", Rule(required=True)), ROW_STATUS)
        names = tags.names_of(rows(body, "tags"))
        email = text(body, "email_address").strip()
        if self._is_repeat(email):
            return
        member = self._audience.members.get(hash_of(email))
        if member is None:
            self._create(email, body, names)
        elif self._update:
            self._change(member, body, names)
        else:
            raise known(email)

    def _is_repeat(self, email: str) -> bool:
        """A second row of one address: an error, or passed over so that the first appearance is what is saved."""
        if hash_of(email) not in self._seen:
            self._seen.add(hash_of(email))
            return False
        if not self._skip_duplicates:
            raise Problem(400, "Duplicate", f"Duplicate items found for the following email: {email}")
        return True

    def _create(self, email: str, body: Document, names: list[str]) -> None:
        member = self._writer.create(email, status_of(body) or "subscribed", body)
        tags.give(self._call, self._audience, member, names)
        self._new.append(member)
        self._call.note("member", member.id, "create")

    def _change(self, member: Member, body: Document, names: list[str]) -> None:
        changed = self._writer.update(member, body, self._status(body))
        if "tags" in body and self._sync_tags:
            changed |= tags.replace(self._call, self._audience, member, names)
        else:
            changed |= tags.give(self._call, self._audience, member, names)
        self._updated.append(member)
        self._call.note("member", member.id, "update" if changed else "noop")

    def _status(self, body: Mapping[str, object]) -> Status | None:
        overwrite = self._call.switches.batch_row_without_status == "overwrite"
        return status_of(body) or ("subscribed" if overwrite else None)

    def document(self) -> dict[str, object]:
        audience, root = self._audience, self._call.api_root
        return {
            "new_members": [view(audience, member, root) for member in self._new],
            "updated_members": [view(audience, member, root) for member in self._updated],
            "errors": self._errors,
            "total_created": len(self._new),
            "total_updated": len(self._updated),
            "error_count": len(self._errors),
            "_links": [{"rel": "self", "href": f"{root}/lists/{audience.id}", "method": "POST"}],
        }


def known(email: str) -> Problem:
    detail = (
        f"{email} is already a list member, do you want to update? "
        "please provide update_existing:true in the request body"
    )
    return Problem(400, "Member Exists", detail, row_code="ERROR_CONTACT_EXISTS")


def row_error(email: str, problem: Problem) -> dict[str, object]:
    """One row's refusal; only the first field at fault is named."""
    field, message = problem.errors[0] if problem.errors else ("", "")
    return {
        "email_address": email,
        "error": problem.detail,
        "error_code": problem.row_code,
        "field": field,
        "field_message": message,
    }
