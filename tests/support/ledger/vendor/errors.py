"""The failure table of the ledger, and what the error of one row means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson

from common.codes import Code
from common.failures import FAILURES, Failure, FailureClass
from common.http.failure_table import ANY, FailureTable, Row, Said


def _code(name: str, meaning: str) -> Code:
    """Not registered: the product's own register has no vendor of the tests."""
    return Code(name, meaning, "Nothing.", "owner", True)


LEDGER_THROTTLED = _code("LEDGER_THROTTLED", "The ledger takes no more calls for a moment.")
LEDGER_TAKEN = _code("LEDGER_TAKEN", "The ledger has a record with this key; it is read and decided again.")
LEDGER_STALE = _code("LEDGER_STALE", "The text was changed since it was read; it is read and decided again.")
LEDGER_GONE = _code("LEDGER_GONE", "The ledger does not have the record any more; it is read and decided again.")
LEDGER_REFUSED = _code("LEDGER_REFUSED", "The ledger refused a value of the record.")
LEDGER_SEVERAL = _code("LEDGER_SEVERAL", "The ledger has several records with this key; a person has to say which one is meant.")  # fmt: skip
LEDGER_SUM_DIFFERS = _code("LEDGER_SUM_DIFFERS", "The sum of the lines is not the total of the document.")
LEDGER_POSTED = _code("LEDGER_POSTED", "The document is posted: a change of it has to be adjusted by a person.")
LEDGER_EDITED = _code("LEDGER_EDITED", "A person has edited the draft, which is left as it is.")
LEDGER_UNREADABLE = _code("LEDGER_UNREADABLE", "The ledger has answered in a form that nobody knows.")

TABLE = FailureTable(
    (
        Row(429, ANY, FailureClass.RATE_LIMITED, LEDGER_THROTTLED, pause=timedelta(seconds=1)),
        Row(404, "no_organisation", FailureClass.REJECTED, LEDGER_REFUSED, about="place"),
    )
)
_OF_ROWS = {
    "taken": (FailureClass.CONFLICT, LEDGER_TAKEN),
    "stale": (FailureClass.CONFLICT, LEDGER_STALE),
    "gone": (FailureClass.CONFLICT, LEDGER_GONE),
    "void": (FailureClass.CONFLICT, LEDGER_GONE),
}


def translate(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """None for a success."""
    return None if status == 200 else TABLE.failure(status, _said(body), headers, now)


def of_row(error: Mapping[str, Any]) -> Failure:
    """A row's own refusal."""
    kind, code = _OF_ROWS.get(str(error["code"]), (FailureClass.REJECTED, LEDGER_REFUSED))
    return FAILURES[kind](
        code.name, code.meaning, vendor_status=200, vendor_code=str(error["code"]), vendor_words=str(error["message"])
    )


def refused(code: Code, words: str = "") -> Failure:
    """The record alone, by a rule of ours."""
    return FAILURES[FailureClass.REJECTED](code.name, f"{code.meaning} {words}".strip())


@contextmanager
def reading(kind: FailureClass) -> Iterator[None]:
    """What an answer lacks, or holds in another form than the ledger's, is a failure, and breaks nothing else."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as odd:
        raise FAILURES[kind](LEDGER_UNREADABLE.name, LEDGER_UNREADABLE.meaning) from odd


def _said(body: bytes) -> Said:
    try:
        error = orjson.loads(body)["error"]
        return Said(str(error["code"]), str(error["message"]))
    except (ValueError, LookupError, TypeError):
        return Said("")
