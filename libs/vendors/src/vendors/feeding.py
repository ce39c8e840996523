"""What a source's records tell of others: which facts it offers of an entity, and which records they need."""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts.facts import FACTS, needed, stands_for
from common.contracts.ids import ConnectionId, Entity
from common.contracts.open_deals import read_besides
from common.contracts.syncs import Leg
from vendors.catalogue import CatalogueField, FieldCatalogue
from vendors.feeds import Feed
from vendors.target import Target
from vendors.vendor import Source, Vendor


def gathered(source: Source) -> dict[Entity, str]:
    """Kinds of records that only others tell of, with what people call them: a leg can start from them, and nothing lists or reads them."""
    made = [one for feed in source.feeds.values() for one in (feed.gathers, feed.parts) if one is not None]
    return {one.into: one.title for one in made}


def gathered_fields(source: Source, entity: Entity) -> FieldCatalogue:
    """What such a record has by itself."""
    parts = next((feed.parts for feed in source.feeds.values() if feed.parts and feed.parts.into == entity), None)
    own = parts.fields if parts is not None else ()
    return FieldCatalogue((CatalogueField("id", gathered(source)[entity], "text"), *own))


def is_listed(source: Source | None, entity: Entity) -> bool:
    """Whether the vendor is asked for such records."""
    return source is None or entity not in gathered(source)


def fact_fields(source: Source, entity: Entity) -> tuple[CatalogueField, ...]:
    """The facts of such records, as a mapping can name them; none where nothing tells of them."""
    told = {stands_for(feeding) for feeding, feed in source.feeds.items() if _tells_of(feed, entity)}
    return tuple(
        CatalogueField(fact.path, fact.label, fact.type, choices=fact.choices)
        for fact in FACTS.values()
        if set(fact.reads) <= told and (not fact.of_gathered or not is_listed(source, entity))
    )


def listed(vendor: Vendor, leg: Leg) -> tuple[ConnectionId, Entity, str]:
    """Which listing brings the leg's records: their own, or that of the records that they are told inside."""
    parts = vendor.inner.get(leg.source_entity)
    return (leg.source, parts.of if parts is not None else leg.source_entity, leg.source_place)


def feeders(source: Source, leg: Leg) -> Sequence[tuple[ConnectionId, Entity, str]]:
    """What has to be read besides the leg's own records: for the facts that its mapping names, and for records that are parts of others."""
    wanted = needed(leg.mapping.facts) if leg.mapping is not None else frozenset[Entity]()
    return [
        (leg.source, entity, leg.source_place)
        for entity, feed in sorted(source.feeds.items())
        if not feed.is_kept
        and (
            (stands_for(entity) in wanted and _tells_of(feed, leg.source_entity)) or _is_whole(feed, leg.source_entity)
        )
    ]


def heard_of(source: Source | None, target: Target | None, leg: Leg) -> Sequence[tuple[ConnectionId, Entity, str]]:
    """Whatever a leg wants to be told of: its own records, those that its facts need, and those that it writes where its target hears."""
    return [
        *([(leg.source, leg.source_entity, leg.source_place)] if is_listed(source, leg.source_entity) else ()),
        *(feeders(source, leg) if source is not None else ()),
        *read_besides(leg),
        *([(leg.target, leg.target_entity, leg.target_place)] if target is None or target.hears else ()),
    ]


def _tells_of(feed: Feed, entity: Entity) -> bool:
    return entity == feed.to or (feed.gathers is not None and feed.gathers.into == entity)


def _is_whole(feed: Feed, entity: Entity) -> bool:
    return feed.parts is not None and feed.parts.into == entity
