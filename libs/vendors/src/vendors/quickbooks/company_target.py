"""What everything that is written to a company of QuickBooks has in common: one place, no fields of its own, and nothing that leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from common.contracts.connections import Connection
from common.contracts.messages import ChangeEvent
from common.contracts.outcomes import SkipReason
from common.failures import Rejected
from common.http.call import Api
from vendors.absorbing import TargetEvent
from vendors.acts import Act
from vendors.catalogue import AskedField, FieldCatalogue, MadeFields
from vendors.choices import Choices
from vendors.deferred import Deferred
from vendors.grant import Place
from vendors.quickbooks.errors import QB_NO_OWN_FIELDS
from vendors.target_record import TargetRecord


class CompanyTarget:
    """The part that no target here has in its own way."""

    places_name = "company"
    key_missing = key_invalid = SkipReason.REQUIRED_FIELD_MISSING
    choices = Choices(gone=("leave",), on_delete="leave", on_filtered="leave", without_key="leave")
    facts_in_parts: frozenset[str] = frozenset()
    deferred: Deferred | None = None
    fields: FieldCatalogue

    def gone(self, how: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"how": how}

    def lets_go(self, document: Mapping[str, Any]) -> bool:
        return False

    def drifted(self, known: TargetRecord, seen: TargetRecord) -> bool:
        """People may change, and take out, what we have written."""
        return False

    def parsed(self, event: ChangeEvent) -> TargetEvent | None:
        return None

    def urgent(self, known: TargetRecord, event: TargetEvent, in_flight: Sequence[Act]) -> bool:
        return False

    async def facts(self, place: str, api: Api, before: object | None = None, lacking: Collection[str] = ()) -> object:
        """Nothing: what is written has the same fields in every company."""
        return self.fields

    async def places(self, connection: Connection, api: Api) -> Sequence[Place]:
        """A connection speaks for one company."""
        return [Place(connection.details.get("realm_id", ""), connection.name)]

    async def catalogue(self, connection: Connection, place: str, api: Api) -> FieldCatalogue:
        return self.fields

    async def create_fields(
        self, connection: Connection, place: str, asked: Sequence[AskedField], api: Api
    ) -> MadeFields:
        paths = ", ".join(one.path for one in asked)
        raise Rejected(QB_NO_OWN_FIELDS.name, f"{QB_NO_OWN_FIELDS.meaning} Asked for: {paths}.")
