"""What an account's edition does not have (CR-08)."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.connections import Connection
from common.contracts.ids import Entity
from vendors.zoho_crm.limits import SMALLEST, edition
from vendors.zoho_crm.readers import READERS

CUSTOM_FIELD = Entity("custom_field")
_BELOW_PROFESSIONAL = ("free", "standard")


def lacks(connection: Connection, entity: Entity) -> bool:
    """Of an account that was never tried nobody knows its edition."""
    if not connection.details.get("edition"):
        return False
    if entity == CUSTOM_FIELD:
        return edition(connection) == SMALLEST
    reader = READERS.get(entity)
    return reader is not None and reader.larger and edition(connection) in _BELOW_PROFESSIONAL


def remarks(connection: Connection, entity: Entity) -> Sequence[str]:
    if not lacks(connection, entity) or entity not in READERS:
        return ()
    named = connection.details["edition"]
    return (f"{READERS[entity].title} come with the Professional edition of Zoho CRM; this account has {named}.",)
