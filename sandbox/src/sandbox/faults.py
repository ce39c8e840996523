"""Faults on demand: which call is hit, and how. What being hit means is done in `app.py` and `deliveries.py`.

A rule hits a share of the matching calls (or the first `count` of them); the decision for the n-th matching call is a
hash of the rule's seed and n, so that a run with the same calls in the same order meets the same faults.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

CallKind = Literal[
    "latency",
    "status",
    "reset_before",
    "reset_after",
    "half_commit",
    "late_commit",
    "storm_429",
    "slow_body",
    "truncated_body",
    "token_revoked",
]
WebhookKind = Literal["webhook_late", "webhook_double", "webhook_lost", "webhook_shuffle"]
CALL_KINDS: frozenset[str] = frozenset(get_args(CallKind))
WEBHOOK_KINDS: frozenset[str] = frozenset(get_args(WebhookKind))
OPERATION = "BATCH "
ALIASES = {
    "webhook_doubled": "webhook_double",
    "webhook_shuffled": "webhook_shuffle",
    "429_storm": "storm_429",
    "revoked": "token_revoked",
}


def decides(seed: int, n: int, share: float) -> bool:
    """Whether the n-th matching call is hit: a fair, reproducible coin."""
    digest = hashlib.blake2b(f"{seed}:{n}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


@dataclass(slots=True)
class Fault:
    """One rule; `matched` and `hits` tell what became of it."""

    id: str
    kind: str
    vendor: str
    account: str | None = None
    route: str | None = None
    share: float = 1.0
    count: int | None = None
    seed: int = 0
    seconds: float = 1.0
    status: int = 500
    body: str = ""
    copies: int = 2
    window: int = 10
    operator: bool = False
    contains: str = ""
    """When given, only calls whose body holds this text are meant: a record that the vendor cannot stand."""
    matched: int = 0
    hits: int = 0
    _route: re.Pattern[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._route = route_pattern(self.route) if self.route else None

    def fits(self, vendor: str, account: str, operator: bool) -> bool:
        return self.vendor == vendor and self.account in (None, account) and (self.operator or not operator)

    def fits_route(self, method: str, paths: tuple[str, ...]) -> bool:
        return self._route is None or any(self._route.fullmatch(f"{method} {path}") for path in paths)

    def fits_body(self, body: bytes) -> bool:
        return not self.contains or self.contains.encode() in body

    def strikes(self) -> bool:
        """Take one matching call into account; whether it is hit."""
        self.matched += 1
        if self.count is not None and self.hits >= self.count:
            return False
        if not decides(self.seed, self.matched, self.share):
            return False
        self.hits += 1
        return True

    def row(self) -> dict[str, object]:
        row = asdict(self)
        row.pop("_route")
        return row


def route_pattern(route: str) -> re.Pattern[str]:
    """A route as a pattern over "METHOD /path": `{id}` is one segment, a last `*` or `/` is anything that follows.

    Without a method the rule fits every method.
    """
    method, _, path = route.strip().rpartition(" ")
    prefix = path.endswith(("*", "/"))
    parts = re.split(r"(\{[^}]*\})", path.rstrip("*"))
    body = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(
        f"{re.escape(method.upper()) if method else '[A-Z]+'} {body}{'.*' if prefix else '/?'}", re.DOTALL
    )


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lifted: dict[str, asyncio.Event] = {}
        self._made = 0

    def add(self, wanted: dict[str, object]) -> Fault:
        """Put one rule in force; raises ValueError naming what is wrong with it."""
        rule = self._rule(wanted)
        self._rules.append(rule)
        return rule

    def _rule(self, wanted: dict[str, object]) -> Fault:
        fields = dict(wanted)
        kind = str(fields.pop("kind", "")).replace("-", "_")
        kind = ALIASES.get(kind, kind)
        if kind not in CALL_KINDS | WEBHOOK_KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(CALL_KINDS | WEBHOOK_KINDS))}")
        if not isinstance(fields.get("vendor"), str):
            raise ValueError("vendor is missing")
        self._made += 1
        return Fault(id=f"f{self._made}", kind=kind, **checked(fields))  # type: ignore[arg-type]

    def remove(self, fault_id: str | None = None) -> int:
        """Forget one rule, or all; how many there were."""
        kept = [rule for rule in self._rules if fault_id is not None and rule.id != fault_id]
        removed = len(self._rules) - len(kept)
        self._rules = kept
        return removed

    def lift(self, fault_id: str | None = None) -> int:
        """The same, and the calls that wait because of them go on at once."""
        for rule in self._rules:
            if fault_id in (None, rule.id) and rule.id in self._lifted:
                self._lifted.pop(rule.id).set()
        return self.remove(fault_id)

    async def delay(self, fault: Fault) -> None:
        """As long as the rule says, unless it is lifted before."""
        lifted = self._lifted.setdefault(fault.id, asyncio.Event())
        try:
            async with asyncio.timeout(fault.seconds):
                await lifted.wait()
        except TimeoutError:
            return

    def rows(self) -> list[dict[str, object]]:
        return [rule.row() for rule in self._rules]

    def of_call(
        self, vendor: str, account: str, method: str, paths: tuple[str, ...], operator: bool, body: bytes = b""
    ) -> list[Fault]:
        """The rules that hit this call; every rule that matches it moves on by one."""
        if not self._rules:
            return []
        matching = [
            rule
            for rule in self._rules
            if rule.kind in CALL_KINDS
            and rule.fits(vendor, account, operator)
            and rule.fits_route(method, paths)
            and rule.fits_body(body)
        ]
        return [rule for rule in matching if rule.strikes()]

    def of_operation(self, vendor: str, account: str, method: str, path: str, body: bytes) -> list[Fault]:
        """The rules that hit an operation which runs by itself: those whose route begins with `BATCH `, and no others."""
        its = [rule for rule in self._rules if (rule.route or "").upper().startswith(OPERATION)]
        matching = [
            rule
            for rule in its
            if rule.kind in CALL_KINDS
            and rule.fits(vendor, account, False)
            and rule.fits_route(OPERATION + method, (path,))
            and rule.fits_body(body)
        ]
        return [rule for rule in matching if rule.strikes()]

    def of_delivery(self, vendor: str, account: str) -> list[Fault]:
        """The rules that hit this webhook delivery."""
        matching = [rule for rule in self._rules if rule.kind in WEBHOOK_KINDS and rule.fits(vendor, account, False)]
        return [rule for rule in matching if rule.strikes()]


NUMBERS: dict[str, tuple[type, float, float]] = {
    "share": (float, 0, 1),
    "count": (int, 0, 10**9),
    "seed": (int, -(2**63), 2**63),
    "seconds": (float, 0, 10**7),
    "status": (int, 200, 599),
    "copies": (int, 2, 20),
    "window": (int, 2, 1000),
}


def checked(fields: dict[str, object]) -> dict[str, object]:
    """The fields of a rule with their types and bounds; raises ValueError."""
    return {name: value_of(name, value) for name, value in fields.items()}


def value_of(name: str, value: object) -> object:
    if name in NUMBERS:
        return number(name, value)
    if name == "operator" and isinstance(value, bool):
        return value
    if name in ("vendor", "account", "route", "body", "contains") and (
        isinstance(value, str) or (value is None and name != "vendor")
    ):
        return value if value is not None or name not in ("body", "contains") else ""
    raise ValueError(f"unknown field or wrong type: {name}")


def number(name: str, value: object) -> int | float | None:
    kind, low, high = NUMBERS[name]
    if value is None and name == "count":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or (kind is int and value != int(value)):
        raise ValueError(f"{name} must be a number")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low} and {high}")
    return int(value) if kind is int else float(value)
