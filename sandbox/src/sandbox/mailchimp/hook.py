"""A registered webhook of an audience: what it wants to hear, from whom, and the key it is signed with."""

from __future__ import annotations

from dataclasses import dataclass, field

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = ("user", "admin", "api")


@dataclass(slots=True)
class Hook:
    """One hook; `secret` is empty for hooks made before signing existed."""

    id: str
    url: str
    events: dict[str, bool]
    sources: dict[str, bool]
    secret: str = field(default="", repr=False)
    enabled: bool = True

    def hears(self, event: str, source: str) -> bool:
        """Campaign events cannot be limited by source."""
        return self.enabled and self.events[event] and (event == "campaign" or self.sources[source])
