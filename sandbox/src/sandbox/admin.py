"""The admin endpoints under `/_sandbox/`: what tests, tools and people steer and read the sandbox by."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote

import orjson

from sandbox import wire
from sandbox.calls import CallLog
from sandbox.core import Core
from sandbox.late import LateCommits
from sandbox.page import Page
from sandbox.registry import Vendors
from sandbox.simulator import Acts, Answer
from sandbox.snapshot import Snapshot, collected_later
from sandbox.zoho_accounts.budgets import client_row
from sandbox.zoho_accounts.people import registered

Body = dict[str, object]
PREFIX = "/_sandbox/"
FIELDS: Body = {
    "vendor": None,
    "name": None,
    "base_url": None,
    "organization_id": None,
    "audience_ids": [],
    "client_id": None,
    "client_secret": None,
    "api_key": None,
    "operator_token": None,
}


class Admin:
    """Answers `/_sandbox/...`; a wish that cannot be is a 400 with the reason, an unknown name a 404."""

    def __init__(self, core: Core, vendors: Vendors, log: CallLog, late: LateCommits, snapshot: Snapshot) -> None:
        self._core, self._vendors, self._log = core, vendors, log
        self._late, self._snapshot = late, snapshot
        self._page = Page(core, vendors, log)
        self._posts: dict[str, Callable[[Body], Body]] = {
            "reset": self._reset,
            "seed": self._seed,
            "faults": self._add_faults,
            "clock": self._move_clock,
            "limits": self._set_limits,
            "clients": self._register_client,
        }

    async def answer(self, scope: wire.Scope, path: str, body: bytes) -> Answer:
        headers = wire.headers_of(scope)
        if path in ("/", "/_sandbox"):
            return Answer(307, b"", {"location": PREFIX})
        if not path.startswith(PREFIX):
            return Answer.json(404, {"error": f"nothing answers at {path}; the sandbox's page is {PREFIX}"})
        if path == PREFIX:
            return self._page.answer(wire.base_url(scope, headers))
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = {name: values[-1] for name, values in query.items()}
        try:
            return self._routed(scope["method"], path[len(PREFIX) :], asked, body, wire.base_url(scope, headers))
        except (ValueError, OverflowError) as wrong:
            return Answer.json(400, {"error": str(wrong)})
        except KeyError as missing:
            return Answer.json(404, {"error": f"there is no {missing.args[0]!r} here"})

    def _routed(self, method: str, name: str, asked: dict[str, str], body: bytes, base: str) -> Answer:
        if method == "POST" and name in self._posts:
            done = self._posts[name](document(body))
            self._snapshot.changed()
            return plain(done)
        if method == "POST" and name.endswith("/people"):
            done = self._act(name, document(body))
            self._snapshot.changed()
            return plain(done)
        if method == "DELETE" and name == "faults":
            end = self._core.faults.lift if asked.get("go") else self._core.faults.remove
            return plain({"removed": end(asked.get("id"))})
        if method in ("GET", "HEAD"):
            return plain(self._read(name, asked, base))
        return Answer.json(405, {"error": f"{method} is not for {PREFIX}{name}"})

    def _read(self, name: str, asked: dict[str, str], base: str) -> Body:
        since = int(asked.get("since") or 0)
        if name == "accounts":
            return {"accounts": self._accounts(base)}
        if name == "log":
            calls, following = self._log.since(since)
            return {"calls": calls, "next": following}
        if name == "counts":
            return {"counts": self._log.counts()}
        if name == "deliveries":
            rows, following = self._core.deliveries.since(since)
            return {"deliveries": rows, "next": following, "pending": self._core.deliveries.pending()}
        if name == "faults":
            return {"faults": self._core.faults.rows(), "pending_late_commits": self._late.pending()}
        if name == "clock":
            return self._clock()
        vendor, slash, rest = name.removeprefix("state/").partition("/")
        if name.startswith("state/") and not slash and not rest:
            return self._vendors.named(unquote(vendor)).state(asked.get("account"))
        raise KeyError(name)

    def _accounts(self, base: str) -> list[Body]:
        rows = [FIELDS | row for simulator in self._vendors.all for row in simulator.accounts()]
        return [{key: based(value, base) for key, value in row.items()} for row in rows]

    def _clock(self) -> Body:
        return {"now": self._core.clock.now().isoformat(), "offset_s": self._core.clock.offset_s}

    # What is asked for by POST

    def _reset(self, wanted: Body) -> Body:
        """As at the first start: no records, faults, calls, deliveries; the machine's time. Consents stay."""
        self._core.faults.remove()
        self._core.deliveries.reset()
        self._late.reset()
        self._core.clock.restore()
        for simulator in self._vendors.all:
            simulator.reset()
        self._log.reset()
        return {"reset": True}

    def _seed(self, wanted: Body) -> Body:
        vendor, account = text(wanted, "vendor"), text(wanted, "account", "demo")
        size, seed = whole(wanted, "size", 500), whole(wanted, "seed", 0)
        trouble = wanted.get("trouble", False)
        if not isinstance(trouble, bool):
            raise ValueError("trouble is true or false")
        if not 0 <= size <= 1_000_000:
            raise ValueError("size must lie between 0 and 1000000")
        with collected_later():
            made = self._vendors.named(vendor).seed(account, size, seed, trouble)
        return {"vendor": vendor, "account": account, **made}

    def _add_faults(self, wanted: Body) -> Body:
        many = wanted.get("faults")
        if isinstance(many, list):
            return {"faults": [self._add_fault(one) for one in many]}
        return self._add_fault(wanted)

    def _add_fault(self, wanted: object) -> Body:
        if not isinstance(wanted, dict):
            raise ValueError("a fault is an object")
        self._vendors.named(text(wanted, "vendor"))
        return self._core.faults.add(wanted).row()

    def _move_clock(self, wanted: Body) -> Body:
        if "advance_s" in wanted:
            self._core.clock.advance(seconds(wanted["advance_s"]))
        elif "at" in wanted:
            self._core.clock.set(moment(wanted["at"]))
        else:
            raise ValueError("advance_s or at is missing")
        self._late.apply_due()
        for simulator in self._vendors.all:
            simulator.due(self._core.clock.now())
        return self._clock()

    def _act(self, name: str, wanted: Body) -> Body:
        """`{vendor}/{account}/people`: somebody does something outside the API."""
        parts = [unquote(part) for part in name.split("/")]
        simulator = self._vendors.named(parts[0])
        if len(parts) != 3 or not isinstance(simulator, Acts):
            raise KeyError(name)
        return simulator.act(parts[1], wanted)

    def _set_limits(self, wanted: Body) -> Body:
        vendor = text(wanted, "vendor")
        rest = {key: value for key, value in wanted.items() if key != "vendor"}
        return {"vendor": vendor, "limits": self._vendors.named(vendor).set_limits(rest)}

    def _register_client(self, wanted: Body) -> Body:
        """A Zoho client with exact redirect addresses; the `demo` client takes any loopback address instead."""
        uris, multi_dc = wanted.get("redirect_uris"), wanted.get("multi_dc", True)
        if not isinstance(uris, list) or not uris or not all(isinstance(uri, str) and uri for uri in uris):
            raise ValueError("redirect_uris must be a list of addresses")
        if not isinstance(multi_dc, bool):
            raise ValueError("multi_dc is true or false")
        home_dc = text(wanted, "home_dc", "us")
        client = registered(text(wanted, "name"), tuple(uris), multi_dc=multi_dc, home_dc=home_dc)
        self._core.zoho.register(client)
        return client_row(client)


def document(body: bytes) -> Body:
    """The JSON object of a request, an empty one for no body; raises ValueError."""
    try:
        read = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as wrong:
        raise ValueError(f"the body is not JSON: {wrong}") from wrong
    if not isinstance(read, dict):
        raise ValueError("the body must be a JSON object")
    return read


def plain(document: Body) -> Answer:
    """A JSON answer; numbers that orjson cannot carry (beyond 64 bits) go by the standard library."""
    try:
        return Answer.json(200, document)
    except orjson.JSONEncodeError:
        body = json.dumps(document, default=str).encode()
        return Answer(200, body, {"content-type": "application/json;charset=UTF-8"})


def based(value: object, base: str) -> object:
    """The address with the Host the caller used, in strings however deep they lie."""
    match value:
        case str():
            return value.replace("{base}", base)
        case list():
            return [based(one, base) for one in value]
        case dict():
            return {key: based(one, base) for key, one in value.items()}
    return value


def text(wanted: Body, name: str, default: str | None = None) -> str:
    value = wanted.get(name, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    return value


def whole(wanted: Body, name: str, default: int) -> int:
    value = wanted.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number")
    return value


def seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e10:
        raise ValueError("advance_s must be a number of seconds")
    return float(value)


def moment(value: object) -> datetime:
    """A time as text (ISO 8601, UTC when it has no offset) or as seconds since the epoch."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        raise ValueError("at must be a time")
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
