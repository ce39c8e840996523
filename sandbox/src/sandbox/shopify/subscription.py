"""A webhook subscription of one application at one shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.shopify.parts import gid
from sandbox.shopify.versions import Version


@dataclass(slots=True)
class Subscription:
    """What is told, and to whom. After eight failed repeats it is deleted, and nobody says so."""

    legacy_resource_id: int
    app: str
    topic: str  # ORDERS_CREATE
    uri: str
    created_at: datetime
    updated_at: datetime
    version: str
    format: str = "JSON"
    filter: str | None = None
    name: str | None = None
    include_fields: list[str] = field(default_factory=list)
    metafield_namespaces: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return gid("WebhookSubscription", self.legacy_resource_id)

    @property
    def callback_url(self) -> str:
        return self.uri

    @property
    def api_version(self) -> Version:
        return Version(self.version, supported=True)
