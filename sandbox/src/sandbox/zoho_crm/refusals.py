"""What the vendor says when it does not do what was asked: of a whole request, and of one row of a write (sheet, section 2)."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


class Refusal(Exception):
    """A whole request that is refused: `code`, `details`, `message` and `status`, without `data`."""

    def __init__(self, status: int, code: str, message: str, **details: object) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.details = status, code, message, details

    def document(self) -> Document:
        return {"code": self.code, "details": self.details, "message": self.message, "status": "error"}


class RowRefusal(Exception):
    """One row that is refused; its neighbours are not."""

    def __init__(self, code: str, message: str, details: Document, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.details, self.status = code, message, details, status

    def document(self) -> Document:
        return {"code": self.code, "details": self.details, "message": self.message, "status": "error"}


# Whole requests


def invalid_token() -> Refusal:
    return Refusal(401, "INVALID_TOKEN", "invalid oauth token")


def no_token() -> Refusal:
    return Refusal(401, "AUTHENTICATION_FAILURE", "Authentication failed")


def scope_mismatch() -> Refusal:
    return Refusal(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")


def invalid_url() -> Refusal:
    return Refusal(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")


def invalid_method() -> Refusal:
    return Refusal(400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")


def invalid_module(index: int = 0) -> Refusal:
    words = "the module name given seems to be invalid"
    return Refusal(400, "INVALID_MODULE", words, resource_path_index=index)


def invalid_id(index: int = 1) -> Refusal:
    return Refusal(400, "INVALID_DATA", "the id given seems to be invalid", resource_path_index=index)


def invalid_body(**details: object) -> Refusal:
    return Refusal(400, "INVALID_DATA", "invalid data", **details)


def missing_param(name: str) -> Refusal:
    return Refusal(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param_name=name)


def bad_param(name: str) -> Refusal:
    words = "Please check whether the input values are correct"
    return Refusal(400, "PATTERN_NOT_MATCHED", words, param_name=name)


def too_many(watching: bool) -> Refusal:
    """Credits or concurrency: the vendor does not say which, nor when to come back."""
    code = "RATE_LIMIT_EXCEEDED" if watching else "TOO_MANY_REQUESTS"
    return Refusal(429, code, "You have exceeded the limit of API calls. Please try again after some time.")


# Rows


def at_field(name: str, path: str, **more: object) -> Document:
    return {**more, "api_name": name, "json_path": path}


def invalid_value(name: str, path: str, **more: object) -> RowRefusal:
    return RowRefusal("INVALID_DATA", "invalid data", at_field(name, path, **more))


def mandatory(name: str, path: str) -> RowRefusal:
    return RowRefusal("MANDATORY_NOT_FOUND", "required field not found", at_field(name, path))


def several(wrongs: list[RowRefusal]) -> RowRefusal:
    """One fault is told as itself, several under one code."""
    if len(wrongs) == 1:
        return wrongs[0]
    details = {"errors": [wrong.document() for wrong in wrongs]}
    return RowRefusal("MULTIPLE_OR_MULTI_ERRORS", "Multiple errors occurred", details)
