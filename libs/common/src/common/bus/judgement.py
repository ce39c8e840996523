"""What an error in a handler means for its batch: wait and read it again, stop the consumer, or blame single records."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from traceback import extract_tb

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from common.bus import error_codes
from common.failures import Bug, Conflict, Failure, RateLimited, Rejected, Transient, Unknown
from common.state.trouble import DatabaseTrouble, trouble_of


class BatchJudgement(Enum):
    """What to do with the batch."""

    WAIT = auto()
    STOP = auto()
    BLAME = auto()


_COMES_BACK = (Transient, Unknown, RateLimited, Conflict)


def judge(error: Exception) -> BatchJudgement:
    """Everything that is nobody's fault waits; a schema that does not fit stops; the rest is about some record."""
    if isinstance(error, Failure):
        return BatchJudgement.WAIT if isinstance(error, _COMES_BACK) else BatchJudgement.BLAME
    if isinstance(error, KafkaError):
        return BatchJudgement.WAIT
    match trouble_of(error):
        case DatabaseTrouble.AWAY:
            return BatchJudgement.WAIT
        case DatabaseTrouble.UNFIT:
            return BatchJudgement.STOP
        case _:
            return BatchJudgement.BLAME


def unreadable(error: Exception) -> Failure:
    """The failure of a record that could not be parsed; its words never quote the record."""
    if isinstance(error, Failure):
        return error
    return Rejected(error_codes.MESSAGE_UNREADABLE, f"The record cannot be read: {_in_words(error)}.")


def blamed(error: Exception) -> Failure:
    """The failure of a record on which our code broke."""
    if isinstance(error, Failure):
        return error
    return Bug(error_codes.HANDLER_BUG, f"Our code failed on this record: {_in_words(error)}.")


def _in_words(error: Exception) -> str:
    # Not str(error): it may hold what a customer typed. Names of fields and lines of code are enough to find it.
    if isinstance(error, ValidationError):
        return _findings(error)
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return type(error).__name__ + where


def _findings(error: ValidationError) -> str:
    findings = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(map(str, finding['loc'])) or error.title}: {finding['type']}" for finding in findings[:5]]
    more = f" and {len(findings) - 5} more" if len(findings) > 5 else ""
    return ", ".join(shown) + more
