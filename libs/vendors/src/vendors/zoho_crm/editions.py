"""What an account's edition does not have (CR-08)."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from vendors.zoho_crm.limits import edition
from vendors.zoho_crm.readers import READERS

_BELOW_PROFESSIONAL = ("free", "standard")


def remarks(connection: Connection, entity: Entity) -> Sequence[str]:
    """Of an account that was never tried nobody knows its edition."""
    reader = READERS.get(entity)
    if reader is None or not reader.larger or not connection.details.get("edition"):
        return ()
    if edition(connection) not in _BELOW_PROFESSIONAL:
        return ()
    named = connection.details["edition"]
    return (f"{reader.title} come with the Professional edition of Zoho CRM; this account has {named}.",)
