"""Which webhooks an audience shall have, and what has to be done for that: pure.

Two of them (decision 43). What people and the vendor's own forms do is told with everything; of what is done by API only the withdrawals
are: other applications withdraw consent too, and of everything else there the most is our own writing. No source is heard by both, so
nothing is told twice. They are told apart by their addresses, because the vendor refuses a second webhook of the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from common.secret import Secret
from vendors.mailchimp.inbox import PATH_SECRET, UNTOLD

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = ("user", "admin", "api")
_KIND = "tells"
_PATH, _UNTOLD = PATH_SECRET.decode(), UNTOLD.decode()

Hook = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HookKind:
    """One webhook of each audience."""

    name: str
    words: str
    events: frozenset[str]
    sources: frozenset[str]

    @property
    def switches(self) -> Mapping[str, Mapping[str, bool]]:
        """All of them are said: what the vendor makes of one that is not is undocumented."""
        return {
            "events": {name: name in self.events for name in EVENTS},
            "sources": {name: name in self.sources for name in SOURCES},
        }

    def slot(self, audience: str) -> str:
        """Each webhook has a key of its own."""
        return f"{self.name}-{re.sub(r'[^A-Za-z0-9_-]', '', audience)}"[:64]

    def address(self, base: str, secret: Secret | None = None) -> str:
        """With a secret at the end of its path where the vendor does not sign."""
        text = secret.reveal() if secret is not None else ""
        path = f"{base}/{text.removeprefix(_PATH)}" if text.startswith(_PATH) else base
        return f"{path}?{urlencode({_KIND: self.name})}"

    @property
    def shown(self) -> str:
        """For people, in the words of the vendor's own settings."""
        events = "all events" if len(self.events) == len(EVENTS) else ", ".join(e for e in EVENTS if e in self.events)
        return f"{self.words} ({events}; {' and '.join(s for s in SOURCES if s in self.sources)})"


PEOPLE = HookKind("people", "what people and sign-up forms do", frozenset(EVENTS), frozenset({"user", "admin"}))
WITHDRAWALS = HookKind(
    "withdrawals", "withdrawals by applications", frozenset({"unsubscribe", "cleaned", "upemail"}), frozenset({"api"})
)
KINDS = (PEOPLE, WITHDRAWALS)


@dataclass(frozen=True, slots=True)
class HookPlan:
    """What has to be done for one kind, in this order."""

    kind: HookKind
    lack: str = ""
    """In words; empty where nothing is made."""
    before: Sequence[Hook] = ()
    """They have the address of the one that is made."""
    after: Sequence[Hook] = ()
    """They tell until the other one does."""


def planned(kind: HookKind, ours: Sequence[Hook], base: str, secret: Secret | None) -> HookPlan:
    """`ours` are the audience's webhooks that call us, of every kind and former kind."""
    its = [hook for hook in ours if _kind_of(hook) == kind.name]
    wanted = kind.address(base, secret)
    hook = next((one for one in its if one["url"] == wanted), its[0] if its else None)
    lack = _lack(kind, hook, wanted, secret)
    if not lack:
        return HookPlan(kind, after=[one for one in its if one is not hook])
    in_its_way = kind.address(base)
    return HookPlan(
        kind, lack, [one for one in its if one["url"] == in_its_way], [one for one in its if one["url"] != in_its_way]
    )  # fmt: skip


def strays(ours: Sequence[Hook]) -> list[Hook]:
    """What calls us and is of no kind: the one webhook of before there were two, and what an answer that nobody saw has made."""
    names = {kind.name for kind in KINDS}
    return [hook for hook in ours if _kind_of(hook) not in names]


def _kind_of(hook: Hook) -> str:
    return parse_qs(urlsplit(str(hook["url"])).query).get(_KIND, [""])[0]


def _lack(kind: HookKind, hook: Hook | None, wanted: str, secret: Secret | None) -> str:
    if hook is None:
        return f"webhook of the audience for {kind.words}"
    if secret is None or secret.reveal().startswith(_UNTOLD):
        return f"key of the audience's webhook for {kind.words}"
    if hook["url"] != wanted:
        return f"address of the audience's webhook for {kind.words}"
    if any(hook.get(name) != switches for name, switches in kind.switches.items()):
        return f"events of the audience's webhook for {kind.words}"
    return ""
