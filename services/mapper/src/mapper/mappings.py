"""Compiled mappings, kept by leg and version."""

from __future__ import annotations

import structlog

from common.contracts.ids import Entity, SyncId
from common.contracts.syncs import Leg, MappingDefinition
from common.state.configuration import Configuration
from mapper.mapping.engine import CompiledMapping, compile_mapping
from mapper.mapping.mirror import Mirror
from mapper.mapping.problems import MappingInvalid
from vendors.catalogue import FieldCatalogue, catalogue_of
from vendors.registry import vendor_named
from vendors.target import Target

_log = structlog.get_logger(__name__)


class Mappings:
    """The compiled mappings of this process, by leg and version; versions never change, so they never grow stale."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[SyncId, Entity, int], CompiledMapping | None] = {}
        self._mirrors: dict[tuple[SyncId, Entity, int, Entity, int], Mirror] = {}

    def of(self, leg: Leg, target: Target) -> CompiledMapping | None:
        """The leg's active mapping, or None when it cannot be compiled: its records wait for a version that can."""
        if leg.mapping is None:
            return None
        key = (leg.sync, leg.name, leg.mapping.version)
        if key not in self._compiled:
            self._compiled[key] = self._compile(leg, leg.mapping, target)
        return self._compiled[key]

    def mirror(self, forward: Leg, back: Leg, configuration: Configuration) -> Mirror | None:
        """What both legs carry; None while one of them cannot be compiled: then nobody judges their pairs."""
        targets = target_of(configuration, forward), target_of(configuration, back)
        if targets[0] is None or targets[1] is None:
            return None
        there, here = self.of(forward, targets[0]), self.of(back, targets[1])
        if there is None or here is None:
            return None
        key = (forward.sync, forward.name, there.version, back.name, here.version)
        if key not in self._mirrors:
            self._mirrors[key] = Mirror(there, here)
        return self._mirrors[key]

    def _compile(self, leg: Leg, definition: MappingDefinition, target: Target) -> CompiledMapping | None:
        fields: FieldCatalogue | None = catalogue_of(definition.catalogue) if definition.catalogue else None
        try:
            return compile_mapping(definition, fields, collected=target.choices.collected)
        except MappingInvalid as invalid:
            _log.error(
                "mapping.broken",
                sync=leg.sync,
                leg=leg.name,
                version=definition.version,
                code="MAPPING_BROKEN",
                problems=str(invalid),
            )
            return None


def target_of(configuration: Configuration, leg: Leg) -> Target | None:
    """Who writes what the leg wants; None once its connection is gone: then nobody does."""
    there = configuration.connections.get(leg.target)
    return vendor_named(there.vendor).targets[leg.target_entity] if there is not None else None


def ranks_of(configuration: Configuration, leg: Leg) -> str:
    """The field by which the leg's source ranks those of its records that share a target record."""
    here = configuration.connections.get(leg.source)
    return vendor_named(here.vendor).ranks.get(leg.source_entity, "") if here is not None else ""
