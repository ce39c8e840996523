"""What an attempt means: a success, or a `Failure` in which *not done* and *nobody knows* are kept apart (R2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.codes import Code
from common.failures import Bug, Failure, Rejected, Transient, Unknown
from common.http import door_codes
from common.http.call import Call, VendorAnswer
from common.http.exchange import Cause, NoAnswer, RawAnswer
from common.http.profile import Profile
from common.http.words import kept_words
from common.http_dates import moment

_CODES: Mapping[Cause, Code] = {
    "unreachable": door_codes.VENDOR_UNREACHABLE,
    "malformed": door_codes.DOOR_REQUEST_REFUSED,
    "late": door_codes.DEADLINE_PASSED,
    "held": door_codes.DEADLINE_PASSED,
    "timeout": door_codes.VENDOR_TIMEOUT,
    "lost": door_codes.VENDOR_CONNECTION_LOST,
    "too_large": door_codes.VENDOR_ANSWER_TOO_LARGE,
    "unreadable": door_codes.VENDOR_ANSWER_UNREADABLE,
}


def judged(
    profile: Profile, call: Call, outcome: RawAnswer | NoAnswer, token: str, now: datetime
) -> VendorAnswer | Failure:
    """The one place where the wire becomes a meaning."""
    if isinstance(outcome, NoAnswer):
        return _of_trouble(call, outcome)
    failure = profile.translate(outcome.status, outcome.headers, outcome.body, now)
    if failure is None:
        date, named = moment(outcome.headers.get("date", ""), now), kept_words(_request_id(outcome.headers), (token,))
        return VendorAnswer(outcome.status, outcome.headers, outcome.body, date, named, outcome.duration_s)
    failure.vendor_date = moment(outcome.headers.get("date", ""), now)
    failure.vendor_words = kept_words(failure.vendor_words, (token,))
    failure.vendor_request_id = kept_words(failure.vendor_request_id or _request_id(outcome.headers), (token,))
    return _for_this_call(call, failure)


def judged_file(call: Call, outcome: RawAnswer | NoAnswer, now: datetime) -> VendorAnswer | Failure:
    """A file is there or not yet: reading it leaves nothing behind, so everything but its bytes is asked for again."""
    if isinstance(outcome, NoAnswer):
        return _of_trouble(call, outcome)
    if outcome.status != 200:
        code = door_codes.VENDOR_FILE_UNAVAILABLE
        return Transient(code.name, code.meaning, vendor_status=outcome.status)
    date = moment(outcome.headers.get("date", ""), now)
    return VendorAnswer(outcome.status, outcome.headers, outcome.body, date, "", outcome.duration_s)


def _request_id(headers: Mapping[str, str]) -> str:
    """What the vendor's support asks for."""
    found = headers.get("x-request-id") or headers.get("intuit_tid") or ""
    return found[:100]


def told_by_broker(verdict: Failure, refusal: Failure) -> Failure:
    """The broker's judgement of a 401, with the vendor's own words: it knows whether the grant is dead or the call is not allowed."""
    verdict.vendor_status, verdict.vendor_code = refusal.vendor_status, refusal.vendor_code
    verdict.vendor_words, verdict.vendor_request_id = refusal.vendor_words, refusal.vendor_request_id
    if isinstance(verdict, Rejected):
        # The grant lives: what is refused is what the vendor's table says, a call or the whole account.
        verdict.about = refusal.about
    return verdict


def not_permitted(refusal: Failure) -> Failure:
    """A 401 to a token that was made a moment ago: the grant lives, the call is what the vendor refuses."""
    code = door_codes.CALL_NOT_PERMITTED
    return told_by_broker(Rejected(code.name, code.meaning, about=refusal.about), refusal)


def _of_trouble(call: Call, trouble: NoAnswer) -> Failure:
    code = _CODES[trouble.cause]
    if trouble.cause == "malformed":
        return Bug(code.name, code.meaning)
    if call.writes and trouble.sent:
        return Unknown(code.name, code.meaning, vendor_status=trouble.status)
    if trouble.cause == "too_large":
        return Bug(code.name, code.meaning, vendor_status=trouble.status)
    return Transient(code.name, code.meaning, vendor_status=trouble.status)


def _for_this_call(call: Call, failure: Failure) -> Failure:
    """The vendor's tables say UNKNOWN where a write may have been applied; a read leaves nothing behind and is just repeated."""
    if isinstance(failure, Unknown) and not call.writes:
        return _as(Transient, failure)
    if isinstance(failure, Bug) and call.writes and failure.code == door_codes.VENDOR_REDIRECTED.name:
        # "See other" is also how a server answers a form that it has taken.
        return _as(Unknown, failure)
    return failure


def _as(kind: type[Failure], failure: Failure) -> Failure:
    return kind(
        failure.code,
        failure.message,
        detail=failure.detail,
        vendor_status=failure.vendor_status,
        vendor_code=failure.vendor_code,
        vendor_words=failure.vendor_words,
        vendor_request_id=failure.vendor_request_id,
        complete=True if kind is Unknown else failure.complete,
        about=failure.about,
    )
