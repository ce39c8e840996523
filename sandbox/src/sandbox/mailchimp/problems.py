"""How Mailchimp refuses: problem documents with the titles of its error glossary (sheet, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

GLOSSARY = "https://mailchimp.com/developer/marketing/docs/errors/"
RowCode = Literal["ERROR_CONTACT_EXISTS", "ERROR_GENERIC"]


class FieldError(NamedTuple):
    """One field of the request and what is wrong with it."""

    field: str
    message: str


class Problem(Exception):
    """A refusal; `bare` ones lack `type` and have an empty `instance`, as member errors do on the wire."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        bare: bool = False,
        row_code: RowCode = "ERROR_GENERIC",
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail
        self.errors, self.bare, self.row_code = tuple(errors), bare, row_code

    def document(self, instance: str) -> dict[str, object]:
        """The problem+json body; `instance` names this one occurrence."""
        known: dict[str, object] = {} if self.bare else {"type": GLOSSARY}
        known |= {"title": self.title, "status": self.status, "detail": self.detail}
        known["instance"] = "" if self.bare else instance
        if self.errors:
            known["errors"] = [error._asdict() for error in self.errors]
        return known


def invalid(detail: str, errors: Sequence[FieldError] = ()) -> Problem:
    return Problem(400, "Invalid Resource", detail, errors)


def invalid_fields(errors: Sequence[FieldError]) -> Problem:
    detail = "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
    return invalid(detail, errors)


def invalid_merge_fields(errors: Sequence[FieldError]) -> Problem:
    return invalid("Your merge fields were invalid.", errors)


def bad_request(detail: str) -> Problem:
    return Problem(400, "Bad Request", detail)


def not_found() -> Problem:
    return Problem(404, "Resource Not Found", "The requested resource could not be found.")


def member_exists(email: str) -> Problem:
    detail = f"{email} is already a list member. Use PUT to insert or update list members."
    return Problem(400, "Member Exists", detail, bare=True, row_code="ERROR_CONTACT_EXISTS")


def in_compliance_state(email: str) -> Problem:
    detail = (
        f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
    )
    return Problem(400, "Member In Compliance State", detail, bare=True)


def forgotten(email: str) -> Problem:
    detail = (
        f"{email} was permanently deleted and cannot be re-imported. "
        "The contact must re-subscribe to get back on the list."
    )
    return Problem(400, "Forgotten Email Not Subscribed", detail, bare=True)


def looks_fake(email: str) -> Problem:
    return invalid(f"{email} looks fake or invalid, please enter a real email address.")


def too_many_signups(email: str) -> Problem:
    return invalid(f"{email} has signed up to a lot of lists very recently; we're not allowing more signups for now")


def cannot_be_removed() -> Problem:
    return Problem(405, "Method Not Allowed", "This list member cannot be removed.")


def key_invalid() -> Problem:
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return Problem(401, "API Key Invalid", detail)


def key_missing() -> Problem:
    return Problem(401, "API Key Missing", "Your request did not include an API key.")


def too_many_connections(allowed: int) -> Problem:
    return Problem(429, "Too Many Requests", f"You have exceeded the limit of {allowed} simultaneous connections.")


# What the request header X-Trigger-Error provokes, by the glossary's names.
TRIGGERED: dict[str, Problem] = {
    "BadRequest": bad_request("Your request could not be processed."),
    "InvalidAction": Problem(400, "Invalid Action", "The action requested was not valid for this resource."),
    "InvalidResource": invalid("The resource submitted could not be validated."),
    "JSONParseError": Problem(400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error."),
    "RequestedFieldsInvalid": Problem(400, "Requested Fields Invalid", "The fields requested were invalid."),
    "APIKeyMissing": key_missing(),
    "APIKeyInvalid": key_invalid(),
    "Forbidden": Problem(403, "Forbidden", "You are not permitted to access this resource."),
    "UserDisabled": Problem(403, "User Disabled", "This account has been disabled."),
    "AuthorizationFailure": Problem(403, "Authorization Failure", "You are not authorized for this resource."),
    "WrongDatacenter": Problem(403, "Wrong Datacenter", "The API key provided is linked to a different data center."),
    "ResourceNotFound": not_found(),
    "MethodNotAllowed": Problem(405, "Method Not Allowed", "The requested method and resource are not compatible."),
    "ResourceNestingTooDeep": Problem(
        414, "Resource Nesting Too Deep", "The sub-resource requested is nested too deep."
    ),
    "InvalidMethodOverride": Problem(422, "Invalid Method Override", "You can only use method override with POST."),
    "TooManyRequests": too_many_connections(10),
    "InternalServerError": Problem(500, "Internal Server Error", "An unexpected internal error has occurred."),
    "ComplianceRelated": Problem(500, "Compliance Related", "This method has been disabled."),
}
