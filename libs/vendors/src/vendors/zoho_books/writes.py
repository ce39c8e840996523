"""What every write to Books shares: how its answer is read, and where records are written to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from common.contracts.connections import Connection
from common.failures import Transient, Unknown
from common.http.call import VendorAnswer
from vendors.answers import reading
from vendors.grant import Place


@contextmanager
def reading_a_write(answer: VendorAnswer) -> Iterator[None]:
    """A success that nobody can read has been applied all the same: what became of it is looked at (R2)."""
    try:
        with reading(answer):
            yield
    except Transient as odd:
        raise Unknown(odd.code, odd.message, vendor_status=answer.status, vendor_request_id=answer.request_id) from odd


def organisation_of(connection: Connection) -> Sequence[Place]:
    """A connection speaks for one organisation."""
    return [Place(connection.details.get("organization_id", ""), connection.name)]
