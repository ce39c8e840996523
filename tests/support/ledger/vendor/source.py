"""The ledger as a source: parties, told by the hooks and the reads that tests make of its log of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from common.contracts.ids import Entity
from vendors.catalogue import FieldCatalogue
from vendors.feeds import Feed
from vendors.grant import Place


class LedgerSource:
    """Its stamps are whole seconds."""

    entities: Mapping[Entity, str] = {Entity("party"): "Parties", Entity("contact"): "Persons of parties"}
    settles_after = timedelta(seconds=1)
    polled_every = timedelta(minutes=5)
    feeds: Mapping[Entity, Feed] = {}
    detail_only: Mapping[Entity, frozenset[str]] = {}

    async def places(self, connection: object, api: object) -> Sequence[Place]:
        return ()

    async def catalogue(self, connection: object, entity: Entity, api: object) -> FieldCatalogue:
        return FieldCatalogue(())
