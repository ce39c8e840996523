"""What a shop lets us see (sheet, section 1.2)."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.connections import Connection
from common.contracts.ids import Entity

ALL_ORDERS = "read_all_orders"
SIXTY_DAYS = (
    "Shopify shows this application the orders of the last 60 days only. Older ones are read once it has approved "
    f"`{ALL_ORDERS}` for the application and the shop is connected again."
)


def remarks(connection: Connection, entity: Entity) -> Sequence[str]:
    """A list of orders looks whole without this right, and is not. Of a shop that was never tried nobody knows it."""
    scopes = connection.details.get("scopes", "")
    return (SIXTY_DAYS,) if entity == "order" and scopes and ALL_ORDERS not in scopes.split(",") else ()
