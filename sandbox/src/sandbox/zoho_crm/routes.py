"""Every address the vendor answers here: method, template, scope, price, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.zoho_crm import (
    bulk,
    converting,
    coql,
    custom_modules,
    metadata,
    org_api,
    reading,
    record_api,
    related,
    search,
    tombstones,
    upsert,
    watching,
)
from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.refusals import invalid_method, invalid_url

Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One address; `{module}` in its scope is the module that the address names."""

    method: str
    template: str
    scope: str
    handler: Handler
    price: str = "call"  # what a call of it costs, see `prices.py`
    bulk: bool = False  # below /crm/bulk

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.template.strip("/").split("/"))

    @property
    def fixed(self) -> int:
        """How much of the template is not a parameter: the more, the sooner it is taken."""
        return sum(not part.startswith("{") for part in self.parts)


OPERATIONS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


def _of_module(method: str, template: str, handler: Handler, price: str = "call") -> Route:
    return Route(method, template, f"modules.{{module}}.{OPERATIONS[method]}", handler, price)


RECORD, WATCH = "/{module}/{id}", "/actions/watch"

ROUTES: Sequence[Route] = [
    Route("GET", "/org", "org.READ", org_api.get_org),
    Route("GET", "/org/currencies", "settings.currencies.READ", org_api.list_currencies),
    Route("GET", "/users", "users.READ", org_api.list_users),
    Route("GET", "/users/{user_id}", "users.READ", org_api.get_user),
    Route("GET", "/settings/modules", "settings.modules.READ", metadata.list_modules),
    Route("POST", "/settings/modules", "settings.modules.CREATE", custom_modules.create_modules, "module"),
    Route("GET", "/settings/modules/{module}", "settings.modules.READ", metadata.get_module),
    Route("GET", "/settings/fields", "settings.fields.READ", metadata.list_fields),
    Route("POST", "/settings/fields", "settings.fields.CREATE", metadata.create_fields),
    Route("GET", "/settings/fields/{field_id}", "settings.fields.READ", metadata.get_field),
    _of_module("GET", "/{module}", reading.list_records),
    _of_module("POST", "/{module}", record_api.create, "rows"),
    _of_module("PUT", "/{module}", record_api.update_many, "rows"),
    _of_module("DELETE", "/{module}", record_api.delete_many, "ids"),
    Route("POST", "/coql", "coql.READ", coql.query, "coql"),
    _of_module("POST", "/{module}/upsert", upsert.upsert, "rows"),
    _of_module("GET", "/{module}/search", search.search, "search"),
    _of_module("GET", "/{module}/actions/count", search.count),
    Route("GET", WATCH, "notifications.READ", watching.list_channels),
    Route("POST", WATCH, "notifications.CREATE", watching.subscribe),
    Route("PUT", WATCH, "notifications.UPDATE", watching.replace_all),
    Route("PATCH", WATCH, "notifications.UPDATE", watching.change_some),
    Route("DELETE", WATCH, "notifications.DELETE", watching.unsubscribe),
    Route("POST", "/Leads/{id}/actions/convert", "modules.leads.CREATE", converting.convert, "convert"),
    _of_module("GET", "/{module}/deleted", tombstones.list_deleted),
    _of_module("GET", RECORD, reading.get_one),
    _of_module("PUT", RECORD, record_api.update_one),
    _of_module("DELETE", RECORD, record_api.delete_one),
    Route("GET", RECORD + "/Notes", "modules.notes.READ", related.list_notes),
    Route("POST", RECORD + "/Notes", "modules.notes.CREATE", related.create_notes, "rows"),
    _of_module("GET", RECORD + "/{related}", related.list_related),
    Route("POST", "/read", "bulk.READ", bulk.create, "bulk", bulk=True),
    Route("GET", "/read/{job_id}", "bulk.READ", bulk.get_job, bulk=True),
    Route("GET", "/read/{job_id}/result", "bulk.READ", bulk.get_result, bulk=True),
]


class Router:
    """Finds the route of a call."""

    def __init__(self) -> None:
        ordered = sorted(ROUTES, key=lambda route: -route.fixed)
        self._by_length: dict[tuple[bool, int], list[Route]] = {}
        for route in ordered:
            self._by_length.setdefault((route.bulk, len(route.parts)), []).append(route)

    def find(self, method: str, segments: Sequence[str], *, bulk: bool) -> tuple[Route, dict[str, str]]:
        """The most particular template that fits; raises Refusal for an unknown path or method."""
        fitting = [
            (route, ids)
            for route in self._by_length.get((bulk, len(segments)), [])
            if (ids := _fit(route.parts, segments)) is not None
        ]
        for route, ids in fitting:
            if route.method == method and route.fixed == fitting[0][0].fixed:
                return route, ids
        raise invalid_method() if fitting else invalid_url()


def _fit(parts: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    ids = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            ids[part[1:-1]] = segment
        elif part != segment:
            return None
    return ids
