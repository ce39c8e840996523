"""What the vendor says when it will not (sheet, section 3.5): one shape, two spellings of its keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.quickbooks.stamps import answer_time

Document = dict[str, Any]
VALIDATION, AUTHENTICATION, SERVICE = "ValidationFault", "AUTHENTICATION", "SERVICE"
GONE = (
    "Object Not Found : Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)
TAKEN = (
    "The name supplied already exists. : Another customer, vendor or employee is already using this name. "
    "Please use a different name."
)
LIMIT = "The request limit was reached. Wait before the next request."
OFFLINE = "The app has used the reads of this month. It is offline until the next one."


class Refusal(Exception):
    """One request, or one item of a batch, that is refused."""

    def __init__(
        self, status: int, code: str, message: str, detail: str = "", element: str = "", kind: str = VALIDATION
    ):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.detail, self.element, self.kind = detail or message, element, kind

    @property
    def fault(self) -> Document:
        one = {"Message": self.message, "Detail": self.detail, "code": self.code, "element": self.element}
        return {"Error": [one], "type": self.kind}

    @property
    def is_of_gateway(self) -> bool:
        """Said by what stands before the API, which has a spelling of its own."""
        return self.kind in (AUTHENTICATION, SERVICE)

    def document(self, now: datetime, *, lower: bool) -> Document:
        if not (lower and self.is_of_gateway):
            return {"Fault": self.fault, "time": answer_time(now)}
        one = {"message": self.message, "detail": self.detail, "code": self.code, "element": self.element or None}
        return {"fault": {"error": [one], "type": self.kind}, "time": answer_time(now)}


def invalid(detail: str, element: str = "") -> Refusal:
    return Refusal(400, "2010", "Request has invalid or unsupported property", detail, element)


def missing(name: str) -> Refusal:
    words = "Required param missing, need to supply the required value for the API"
    return Refusal(400, "2020", words, f"Required parameter {name} is missing in the request", name)


def bad_text(name: str, detail: str) -> Refusal:
    return Refusal(400, "2040", "Invalid String", detail, name)


def too_long(name: str, longest: int) -> Refusal:
    return Refusal(400, "2050", "Invalid String Length", f"{name} takes {longest} characters at most", name)


def bad_choice(name: str, value: object) -> Refusal:
    return Refusal(400, "2170", "Invalid Enumeration", f"{name}: {value!s:.60} is not a value of it", name)


def bad_reference(name: str) -> Refusal:
    return Refusal(
        400, "2500", "Invalid Reference Id", f"Invalid Reference Id : {name} names nothing that is there", name
    )


def breaks_a_rule(detail: str) -> Refusal:
    return Refusal(400, "6000", "A business validation error has occurred while processing your request", detail)


def not_found(element: str = "") -> Refusal:
    return Refusal(400, "610", "Object Not Found", GONE, element)


def stale(user: str) -> Refusal:
    words = (
        f"Stale Object Error : You and {user} were working on this at the same time. "
        f"{user} finished before you did, so your work was not saved."
    )
    return Refusal(400, "5010", "Stale Object Error", words)


def name_taken() -> Refusal:
    return Refusal(400, "6240", "Duplicate Name Exists Error", TAKEN)


def unsupported(what: str) -> Refusal:
    return Refusal(400, "500", "Unsupported Operation", f"Operation {what:.80} is not supported.")


def bad_query(detail: str) -> Refusal:
    return Refusal(400, "4000", "Error parsing query", f"QueryParserError: {detail}")


def impossible_query(detail: str) -> Refusal:
    return Refusal(400, "4001", "Invalid query", f"QueryValidationError: {detail}")


def lapsed(status: int) -> Refusal:
    words = "The subscription of this company has ended or it was cancelled."
    return Refusal(status, "6190", "Invalid Company Status", words)


def not_authenticated(detail: str = "Token expired or revoked") -> Refusal:
    words = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    return Refusal(401, "3200", words, detail, kind=AUTHENTICATION)


def not_authorised() -> Refusal:
    words = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
    return Refusal(403, "3100", words, "The application has no access to this company.", kind=AUTHENTICATION)


def no_longer_admin() -> Refusal:
    words = "The user who connected this company is no longer its administrator."
    return Refusal(401, "120", "Authorization Failure", words, kind=AUTHENTICATION)


def too_many(status: int = 429, detail: str = LIMIT) -> Refusal:
    """The text is the same under every status it has been seen with."""
    return Refusal(status, "3001", "message=ThrottleExceeded; errorCode=003001; statusCode=429", detail, kind=SERVICE)


def request_id_reused() -> Refusal:
    return Refusal(400, "600", "Duplicate Request ID", "This request id was used for another request.")
