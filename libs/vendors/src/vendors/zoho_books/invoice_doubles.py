"""Several invoices of one order: a create that landed later than anybody expected has made a second one, or a person has (R4): pure.

The oldest counts. A newer one that is what we have sent, and that nobody has touched or paid since, is made void; any other is a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.failures import Rejected
from vendors.acts import Act, Look, Step, Work
from vendors.target_record import TargetRecord
from vendors.zoho_books.invoice_codes import ZB_INVOICE_TWICE, refused
from vendors.zoho_books.invoice_paths import CONTENT, DOUBLE, STATUS, carries

VOID = "void"


def are_seen(seen: TargetRecord) -> bool:
    return any(_of(seen))


def next_step(work: Work, known: TargetRecord) -> Step | None:
    """None where there is but one."""
    for path, double in _of(known).items():
        if work.key not in work.fresh:
            # A person may have mended it, and what is made void is looked at before.
            return Look(work.key)
        if not _is_untouched(double, known):
            raise _asked(known)
        return Act("void_double", work.key, {path: VOID}, memory={"id": path.removeprefix(DOUBLE)})
    return None


def _of(known: TargetRecord) -> dict[str, Mapping[str, Any]]:
    found = {path: told for path, told in known.seen.items() if path.startswith(DOUBLE) and told != VOID}
    return dict(sorted(found.items()))


def _is_untouched(double: Mapping[str, Any], known: TargetRecord) -> bool:
    """It says what we have agreed on, nothing was paid or credited, and it is no further than a posted one that was never changed."""
    ours = known.agreed.get(CONTENT)
    return bool(
        ours is not None and double["open"] and double[STATUS] in ("draft", "sent", "overdue") and carries(double[CONTENT], ours)
    )  # fmt: skip


def _asked(known: TargetRecord) -> Rejected:
    numbers = [str(known.seen.get("number", known.id)), *(str(one["number"]) for one in _of(known).values())]
    return refused(ZB_INVOICE_TWICE, ", ".join(numbers))
