"""How the vendor says no: one exception, its HTTP status, the vendor's code and words (sheet, sections 2 and 3)."""

from __future__ import annotations


class Refusal(Exception):
    """A request the vendor answers with an error envelope."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


def invalid(field: str) -> Refusal:
    """A value that does not fit its field."""
    return Refusal(400, 2, f"Invalid value passed for {field}")


def missing(field: str) -> Refusal:
    """A mandatory field that is absent or empty."""
    return Refusal(400, 4, f"Invalid value passed for {field}")


def absent(resource: str) -> Refusal:
    """An id that names nothing."""
    return Refusal(404, 1002, f"{resource} does not exist.")


def malformed_json() -> Refusal:
    return Refusal(400, 1038, "JSON is not well formed")


def no_token() -> Refusal:
    return Refusal(401, 14, "Invalid value passed for authtoken.")


def unauthorised() -> Refusal:
    return Refusal(401, 57, "You are not authorized to perform this operation")


def stranger() -> Refusal:
    return Refusal(400, 6041, "This user is not associated with the CompanyID/CompanyName.")


def unknown_path() -> Refusal:
    return Refusal(404, 5, "Invalid URL Passed")


def wrong_method() -> Refusal:
    return Refusal(405, 37, "The HTTP method is not allowed for the requested resource")


def name_taken(kind: str, name: str) -> Refusal:
    return Refusal(400, 3062, f'The {kind} "{name}" already exists. Please specify a different name.')


def number_taken(kind: str, number: str) -> Refusal:
    return Refusal(400, 1001, f'{kind} "{number}" already exists.')


def minute_exceeded() -> Refusal:
    words = (
        "For security reasons your organization has been blocked as it have exceeded the maximum number of requests"
        " per minute that can originate from an organization."
    )
    return Refusal(429, 44, words)


def day_exceeded(limit: int) -> Refusal:
    return Refusal(429, 45, f"The API call for this organization has exceeded the maximum call rate limit of {limit}.")


def too_many_at_once() -> Refusal:
    words = "You have reached the maximum number of in process requests allowed. Kindly try again after some time."
    return Refusal(429, 1070, words)
