"""The webhooks and workflow rules of an organisation at Zoho Books, as its settings API tells and changes them, in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from common.clock import FixedClock
from common.contracts.connections import Connection
from common.failures import Failure, Rejected
from common.http.call import Call, VendorAnswer

_KINDS = {
    "/settings/webhooks": ("webhooks", "webhook", "webhook_id"),
    "/settings/workflows": ("workflows", "workflow", "workflow_id"),
}


@dataclass
class HookOrganisation:
    """It opens like the door and answers like the vendor; `failures` come before answers."""

    clock: FixedClock
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {"webhooks": {}, "workflows": {}})
    calls: list[Call] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    has_rules: bool = True
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, profile: Any, connection: Connection) -> HookOrganisation:
        return self

    @property
    def hooks(self) -> list[str]:
        """The addresses that are called."""
        return sorted(hook["url"] for hook in self.rows["webhooks"].values())

    @property
    def working(self) -> list[str]:
        """The addresses that are called by a rule that is on."""
        ran = [r["instant_actions"][0]["action_id"] for r in self.rows["workflows"].values() if r["is_active"]]
        return sorted(self.rows["webhooks"][hook]["url"] for hook in ran if hook in self.rows["webhooks"])

    def lose(self) -> None:
        """Somebody deletes all of them."""
        for rows in self.rows.values():
            rows.clear()

    async def call(self, call: Call) -> VendorAnswer:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)
        path, _, action = call.template.partition("/{id}")
        told = self._told(call, *_KINDS[path], action)
        return VendorAnswer(200, {}, json.dumps({"code": 0, **told}).encode(), self.clock.now(), "", 0.01)

    def _told(self, call: Call, key: str, word: str, id_name: str, action: str) -> dict[str, Any]:
        rows = self.rows[key]
        if call.method == "GET":
            return {key: list(rows.values()), "page_context": {"has_more_page": False}}
        if call.method == "DELETE":
            del rows[call.path["id"]]
            return {}
        if call.method == "POST" and action:
            rows[call.path["id"]]["is_active"] = True
            return {}
        if key == "workflows" and not self.has_rules:
            raise Rejected("ZB_NO_ACCESS", "The plan forbids it.", vendor_status=400, vendor_code="6018")
        id = call.path.get("id") or str(next(self._ids))
        rows[id] = {**rows.get(id, {"is_active": True}), **call.json, id_name: id}
        return {word: rows[id]}
