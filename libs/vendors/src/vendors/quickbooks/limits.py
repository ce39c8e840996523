"""What QuickBooks allows (sheet, sections 0 and 4): calls of a company, calls of an application there, batches counted once more, and reads of a
calendar month. Writes are free.

Nothing says whether the vendor's windows roll or follow the calendar: ours roll, which is safe under both. Of a company's minute other
applications have their part, and so much of it is left to them.
"""

from __future__ import annotations

from datetime import timedelta

from common.contracts.connections import Connection
from common.http.profile import Limit, Timeouts, horizon
from vendors.quickbooks.companies import PRODUCTION

MINUTE, SECOND, AT_ONCE, EVERYTHING = "minute", "second", "at_once", "everything"
BATCHES, BATCHES_OF_ALL = "batches", "batches_of_all"
READS, COMPANY_READS = "reads", "company_reads"
# Of the smallest tier, over all companies of the application; beyond it reads are refused until the next month.
READS_A_MONTH = 500_000
A_MINUTE, A_SECOND = timedelta(minutes=1), timedelta(seconds=1)
# The answer of a call too many names no time; the vendor's page does.
PAUSE = timedelta(seconds=60)

# Requests are cut after two minutes.
VENDOR_LONGEST = timedelta(seconds=120)
TIMEOUTS = Timeouts(connect=5, read=60, write=10, pool=5, total=75)
# Lists and changes may be behind a read by id; nobody says how far. Two minutes are more than has been reported.
LIST_LAG = timedelta(minutes=2)
# Notes that hang on a customer are looked for by a query.
READ_LAG = LIST_LAG
HORIZON = horizon(TIMEOUTS, VENDOR_LONGEST, READ_LAG)


def limits(connection: Connection, *, batch: bool = False, reads: int = 1) -> tuple[Limit, ...]:
    """Those of any call, which takes so many reads; a batch counts against its own as well."""
    key = f"quickbooks:{connection.details.get('realm_id') or connection.id}"
    ours = (
        Limit(MINUTE, key, "rolling", 500, A_MINUTE, kept_for_live=0.2),
        # Only calls of our own application count here.
        Limit(SECOND, key, "rolling", 10, A_SECOND),
        Limit(EVERYTHING, key, "rolling", 800, A_MINUTE),
        Limit(AT_ONCE, key, "concurrency", 10, lingers=VENDOR_LONGEST),
    )
    batches = (
        Limit(BATCHES, key, "rolling", 40, A_MINUTE),
        Limit(BATCHES_OF_ALL, key, "rolling", 120, A_MINUTE),
    )
    return (*ours, *(batches if batch else ()), *(_month(connection, key, reads) if reads else ()))


def _month(connection: Connection, key: str, reads: int) -> tuple[Limit, ...]:
    """The application's, and what of it one company may have. The vendor's own sandbox meters nothing."""
    if connection.details.get("environment", PRODUCTION) != PRODUCTION:
        return ()
    number = _number(connection, "reads_per_month", READS_A_MONTH)
    company = _number(connection, "company_reads_per_month", number)
    # Nobody says whose midnight ends the month; what a few hours come to is in the reserve.
    return (
        Limit(READS, "quickbooks:application", "monthly", number, kept_for_live=0.2, weight=reads),
        Limit(COMPANY_READS, key, "monthly", company, kept_for_live=0.2, weight=reads),
    )


def _number(connection: Connection, name: str, otherwise: int) -> int:
    written = connection.details.get(name, "")
    return int(written) if written.isdigit() and int(written) > 0 else otherwise
