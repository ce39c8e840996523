"""What is wrong with a wish, all of it at once: each problem with its row, its field, its shape and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from common.api.refusal import Refusal
from common.codes import CODES, Code
from common.failures import Failure, FailureClass
from console import sync_codes
from mapper.mapping.problems import Problem

# Nobody can do anything about these but wait.
_PASSING = (FailureClass.TRANSIENT, FailureClass.UNKNOWN, FailureClass.RATE_LIMITED)


def problem(code: Code, field: str, words: str, row: int = 0) -> Problem:
    """A problem with the remedy of its code."""
    return Problem(code.name, row, field, words, code.action)


def of_vendor(failure: Failure, field: str, name: str) -> Problem:
    """What a vendor said no to; raises a Refusal where it only could not be asked."""
    code = CODES.get(failure.code, sync_codes.SYNC_VENDOR_AWAY)
    said = f" {failure.vendor_words}" if failure.vendor_words else ""
    if failure.kind in _PASSING:
        words = f"{name}: {failure.message} [{failure.code}]"
        raise Refusal(503, sync_codes.SYNC_VENDOR_AWAY, words, retry_after_s=5) from failure
    return problem(code, field, f"{name}: {failure.message}{said}")


def refuse_if_any(problems: Sequence[Problem]) -> None:
    """One refusal for all of them; its code is theirs where they are of one kind."""
    if not problems:
        return
    kinds = {one.code for one in problems}
    alone = CODES.get(next(iter(kinds))) if len(kinds) == 1 else None
    words = "; ".join(str(one) for one in problems) if len(problems) < 4 else f"There are {len(problems)} problems."
    raise Refusal(422, alone or sync_codes.SYNC_INVALID, words, more={"problems": [asdict(one) for one in problems]})
