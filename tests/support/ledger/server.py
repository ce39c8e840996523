"""The ledger as a process: `python -m tests.support.ledger.server [PORT]` says where it listens and serves until it is ended.

    GET  /v1/organisations                     POST /v1/{org}/{entity}/read   {"ids": []}
    POST /v1/{org}/{entity}/find               {"field", "values"}            -> one list of records a value
    POST /v1/{org}/{entity}/write              {"rows": []}                   -> one record or error a row
    GET  /v1/{org}/changes?after=N             every change since, whoever made it

Under `/_ledger/` tests arrange organisations, faults and people, and read the state and the log.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import fields
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.ledger import people
from tests.support.ledger.book import Book, Organisation, RowRefused
from tests.support.ledger.faults import Fault, Faults

MOST_ROWS = 50
Answer = tuple[int, Any]


class Cut(Exception):
    """The connection ends without an answer."""


class Server:
    """Serves one book."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.later: set[asyncio.Task[None]] = set()
        self.reset({})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                method, target, body = await _request(reader)
                try:
                    status, answer = await self._answer(method, target, body)
                except Cut:
                    writer.transport.abort()
                    return
                writer.write(_response(status, answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, body: bytes) -> Answer:
        url = urlsplit(target)
        parts = url.path.strip("/").split("/")
        asked = json.loads(body) if body else {}
        try:
            if parts[0] == "_ledger":
                return 200, self._admin(parts[1], asked)
            return await self._api(method, parts[1:], parse_qs(url.query), asked)
        except RowRefused as refusal:
            return 404, {"error": {"code": refusal.code, "message": refusal.message}}

    # --- what the vendor offers

    async def _api(self, method: str, parts: list[str], query: dict[str, list[str]], asked: Any) -> Answer:
        if parts == ["organisations"]:
            return 200, {"organisations": [{"id": id, "name": id} for id in self.book.organisations]}
        org = self.book.organisation(parts[0])
        if method == "GET" and parts[1] == "changes":
            return 200, {"changes": self._changes(org, int(query.get("after", ["0"])[0]))}
        entity, route = parts[1], parts[2]
        entry = {"route": route, "entity": entity, "org": org.id, "rows": len(asked.get("rows") or asked.get("ids") or asked["values"])}  # fmt: skip
        self.log.append(entry)
        fault = self.faults.strike(route, entity)
        if fault is not None:
            entry["fault"] = fault.kind
            return await self._faulty(fault, org, entity, route, asked)
        return 200, self._done(org, entity, route, asked)

    def _done(self, org: Organisation, entity: str, route: str, asked: Any) -> Any:
        if route == "read":
            return {"records": self.book.read(org, entity, asked["ids"])}
        if route == "find":
            return {"found": self.book.find(org, entity, asked["field"], asked["values"])}
        if len(asked["rows"]) > MOST_ROWS:
            raise RowRefused("too_many", f"At most {MOST_ROWS} rows.")
        return {"rows": self.book.write(org, entity, asked["rows"])}

    async def _faulty(self, fault: Fault, org: Organisation, entity: str, route: str, asked: Any) -> Answer:
        match fault.kind:
            case "ghost" | "broken":
                self._done(org, entity, route, asked)
            case "half":
                self._done(org, entity, route, asked | {"rows": asked["rows"][: (len(asked["rows"]) + 1) // 2]})
            case "late":
                self._apply_later(fault.seconds, org, entity, asked)
            case "slow":
                await asyncio.sleep(fault.seconds)
                return 200, self._done(org, entity, route, asked)
        if fault.kind in ("ghost", "half", "late", "lost"):
            raise Cut
        if fault.kind == "throttled":
            return 429, {"error": {"code": "throttled", "message": "Too many calls."}}
        return 500, {"error": {"code": "internal", "message": "It did not work."}}

    def _apply_later(self, seconds: float, org: Organisation, entity: str, asked: Any) -> None:
        async def apply() -> None:
            await asyncio.sleep(seconds)
            self.book.write(org, entity, asked["rows"])

        task = asyncio.create_task(apply())
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    def _changes(self, org: Organisation, after: int) -> list[Any]:
        return [one for one in self.book.changes[after:] if one["org"] == org.id][:1000]

    # --- what tests arrange

    def _admin(self, what: str, asked: Any) -> Any:
        match what:
            case "reset":
                self.reset(asked)
            case "faults":
                self.faults.on = [Fault(**one) for one in asked["faults"]]
            case "organisation":
                for name, value in asked["set"].items():
                    setattr(self.book.organisation(asked["id"]), name, value)
            case "people":
                return {"answers": [people.act(self.book, one) for one in asked["acts"]]}
            case "read":
                org = self.book.organisation(asked["org"])
                return {"records": self.book.read(org, asked["entity"], asked["ids"])}
            case "log":
                return {"calls": self.log[int(asked.get("since", 0)) :]}
            case "state":
                return self._state()
        return {}

    def reset(self, asked: dict[str, Any]) -> None:
        """Everything is gone; `organisations` are those that there are from now on."""
        for task in self.later:
            task.cancel()
        told = asked.get("organisations") or [{"id": "keyed"}, {"id": "plain", "unique": False}]
        names = {one.name for one in fields(Organisation)}
        assert all(set(one) <= names for one in told), told
        self.book = Book(time.time, {one["id"]: Organisation(**one) for one in told})
        self.faults = Faults()
        self.log.clear()

    def _state(self) -> Any:
        organisations = {
            org.id: {"party": org.party.all(), "document": org.document.all(), "note": org.note.all()}
            for org in self.book.organisations.values()
        }
        return {"organisations": organisations, "changes": self.book.changes, "later": len(self.later)}


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return method, target, await reader.readexactly(int(headers.get("content-length", "0")))


def _response(status: int, answer: Any) -> bytes:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\ndate: {formatdate(usegmt=True)}\r\n\r\n"
    return head.encode() + body


async def main() -> None:
    # A line of a request may be long: a batch of texts comes as its body, which is read by its length.
    server = await asyncio.start_server(Server().serve, "127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"ledger listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
