"""One field of a module, as the metadata tells it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.zoho_crm.refusals import Document

JSON_TYPES = {
    "integer": "integer", "bigint": "string", "double": "double", "currency": "double", "percent": "double", "boolean": "boolean",
    "lookup": "jsonobject", "ownerlookup": "jsonobject", "multiselectpicklist": "jsonarray", "subform": "jsonarray",
}  # fmt: skip
CAN_BE_UNIQUE = frozenset({"text", "email", "phone", "integer", "bigint", "website"})


@dataclass(frozen=True, slots=True)
class Field:
    """What a module holds of one kind. `unique` counts for the vendor's own duplicate fields only when a user set it."""

    id: str
    api_name: str
    label: str
    data_type: str = "text"
    length: int = 255
    mandatory: bool = False
    custom: bool = False
    unique: bool = False
    case_sensitive: bool = False
    external: str = ""  # "org" or "user"
    read_only: bool = False
    options: tuple[str, ...] = ()
    lookup: str = ""  # the module a lookup leads to
    columns: tuple[Field, ...] = ()  # of a subform

    @property
    def heavy(self) -> bool:
        """Shown only when one record is read: lists leave it out."""
        return self.data_type == "subform"

    def document(self) -> Document:
        """A row of `GET /settings/fields`."""
        external = {"type": self.external, "show": True} if self.external else None
        return {
            "id": self.id,
            "api_name": self.api_name,
            "field_label": self.label,
            "display_label": self.label,
            "data_type": self.data_type,
            "json_type": JSON_TYPES.get(self.data_type, "string"),
            "length": self.length,
            "system_mandatory": self.mandatory,
            "custom_field": self.custom,
            "read_only": self.read_only,
            "field_read_only": self.read_only,
            "visible": True,
            "unique": {"case_sensitive": str(self.case_sensitive).lower()} if self.unique else {},
            "external": external,
            "lookup": {"module": {"api_name": self.lookup}, "api_name": self.lookup} if self.lookup else {},
            "pick_list_values": [
                {"display_value": one, "actual_value": one, "sequence_number": at, "type": "used"}
                for at, one in enumerate(self.options, 1)
            ],
            "operation_type": {
                "web_create": not self.read_only, "api_create": not self.read_only,
                "web_update": not self.read_only, "api_update": not self.read_only,
            },
            "created_source": "default" if not self.custom else "user",
        }  # fmt: skip
