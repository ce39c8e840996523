"""What people do with links: through the console's own use cases."""

from __future__ import annotations

from common.state.pool import close_pool, open_pool
from console.state.links import LinkRow
from console.use_cases.links import Links
from tests.support.database import Database
from tests.support.ledger.world import LedgerWorld


async def linked_by_hand(world: LedgerWorld, database: Database, customer: str, party: str) -> None:
    """A customer is this party, whatever its address is there."""
    wanted = LinkRow(
        line=1, left_account="shop", left_place="", left_entity="customer", left_id=customer, left_key="", right_account="ledger",
        right_place=world.place, right_entity="party", right_id=party, right_key="other@ex.org", state="linked", rule="by hand", since=None,
    )  # fmt: skip
    pool = await open_pool(database.url("console"), name="console", size=2)
    try:
        await Links(pool, world.clock).add(wanted, "eva", "the same person", dry_run=False)
    finally:
        await close_pool(pool)
