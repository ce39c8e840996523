"""Records of a module as they are now: by their ids, by our own field, or by an e-mail address.

Ids are read by a list of a hundred, or one record alone, with all of its fields. Everything else is a query (COQL), which reads the records
themselves: a search may lag, and what it does not find proves nothing. A look by a link shows a version that is settled (R19): within a second
of an edit another one may follow it under the same stamp, so the read is made again then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.failures import Failure, Rejected
from common.http.call import Api, Call, VendorAnswer
from vendors.acts import id_of_key
from vendors.answers import reading
from vendors.target_record import TargetRecord
from vendors.zoho_crm import module_wire, wire
from vendors.zoho_crm.errors import ZC_CALL_WRONG, ZC_NOT_FOUND
from vendors.zoho_crm.reader import STAMP, ModuleReader
from vendors.zoho_crm.wire import Row
from vendors.zoho_crm.write_codes import ZC_FIELD_MISSING, ZC_SEVERAL, refused

OURS = "key:"
"""And the value of our own field."""
UNKEYED = "unkeyed:"
"""And an e-mail address: whoever has it, and nobody's id in our field."""
NEWLY = "newly:"
"""The same of those who were entered so short a time ago that they may not have been told of yet."""
NAMED = "named:"
"""And the name of an account, of those who were made a moment ago, or since a write was sent: where nothing else says that one is ours, it
tells a write that has landed from one that has not."""
A_MOMENT = timedelta(minutes=10)
SAME = "same:"
"""And a field, `=` and a value: whoever has it in a field that no two records share."""
IDS, VALUES, PAGE = 100, 50, 200
VERSION = "version"
"""In the memory of what a look shows: its stamp, once nothing else can bear the same one."""
SECOND_IS_OVER = timedelta(seconds=1)
LONGEST_WAIT_S = 2.0
_CONTACTS, _EMAIL, _ACCOUNT = "Contacts", "Email", "Account_Name"
_NAME = "Account_Name"

Found = dict[str, TargetRecord | Failure]


class ModuleLooks:
    """Looks at one module; `by_contacts`: an address is that of a contact, and means the contact's account."""

    def __init__(self, reader: ModuleReader, key_field: str, *, by_contacts: bool = False) -> None:
        self._reader = reader
        self._key_field = key_field
        self._by_contacts = by_contacts

    async def look(self, keys: Sequence[str], api: Api, since: Mapping[str, datetime] | None = None) -> Found:
        ids = {key: id for key in keys if (id := id_of_key(key))}
        groups: dict[str, dict[str, str]] = {}
        for key in keys:
            if key not in ids:
                field, value = self._asked(key)
                groups.setdefault(field, {})[key] = value
        found: Found = await self._by_links(ids, api) if ids else {}
        for field, wanted in groups.items():
            found |= await self._by_field(field, wanted, api, since or {})
        return found

    def _asked(self, key: str) -> tuple[str, str]:
        if key.startswith(OURS):
            return self._key_field, key.removeprefix(OURS)
        if key.startswith(SAME):
            field, _, value = key.removeprefix(SAME).partition("=")
            return field, value
        if key.startswith(NAMED):
            return _NAME, key.removeprefix(NAMED)
        return _EMAIL, key.removeprefix(UNKEYED).removeprefix(NEWLY)

    # --- by id

    async def _by_links(self, ids: Mapping[str, str], api: Api) -> Found:
        rows, at = await self._read(sorted(set(ids.values())), api)
        hot = {id: end for id, row in rows.items() if (end := _over(row)) is not None and end > at}
        if hot:
            # Two clocks that differ by more are no reason to wait: such a version is compared with by nobody.
            await asyncio.sleep(min((max(hot.values()) - at).total_seconds(), LONGEST_WAIT_S))
            again, at = await self._read(sorted(hot), api)
            rows = {id: row for id, row in rows.items() if id not in hot} | again
        return {key: self._settled(rows.get(id), at) for key, id in ids.items()}

    def _settled(self, row: Row | None, at: datetime) -> TargetRecord:
        shown, end = self._shown(row), _over(row or {})
        if shown.stamp is None or end is None or end > at:
            return shown
        return replace(shown, memory={VERSION: shown.stamp.isoformat()})

    async def _read(self, ids: Sequence[str], api: Api) -> tuple[dict[str, Row], datetime]:
        """One alone is shown with all there is of it. Whom a list does not show it may not show yet: each of those is read by itself."""
        if len(ids) == 1:
            return await self._read_one(ids[0], api)
        query = {"ids": ",".join(ids), "fields": self._reader.names, "per_page": "200"} | dict(self._reader.chosen)
        answer = await api.call(
            Call("GET", f"/{self._reader.module}", f"{self._reader.entity}s.look", query=query)
        )  # fmt: skip
        rows, at = {str(row["id"]): row for row in _rows(answer)}, answer.date
        for id in ids:
            if id not in rows:
                rows |= (await self._read_one(id, api))[0]
        return rows, at

    async def _read_one(self, id: str, api: Api) -> tuple[dict[str, Row], datetime]:
        call = Call("GET", f"/{self._reader.module}/{{id}}", f"{self._reader.entity}s.read", path={"id": id})
        try:
            answer = await api.call(call)
        except Rejected as failure:
            if failure.code != ZC_NOT_FOUND.name or failure.vendor_date is None:
                raise
            return {}, failure.vendor_date
        return {str(row["id"]): row for row in _rows(answer)}, answer.date

    # --- by a value

    async def _by_field(self, field: str, wanted: Mapping[str, str], api: Api, since: Mapping[str, datetime]) -> Found:
        """The query names whom, and a read says what they are: an account that lacks a field has no query that names it."""
        through = field == _EMAIL and self._by_contacts
        module, led_to = (_CONTACTS, _ACCOUNT) if through else (self._reader.module, "id")
        named = await self._queried(module, field, [] if led_to == "id" else [led_to], wanted.values(), api)
        whom = {
            key: {id for row in _having(named, field, value) if (id := _id_in(row.get(led_to)))}
            for key, value in wanted.items()
        }
        ids, rows, now = sorted(set().union(*whom.values())), dict[str, Row](), datetime.max.replace(tzinfo=UTC)
        for at in range(0, len(ids), IDS):
            found, now = await self._read(ids[at : at + IDS], api)
            rows |= found
        its = {key: [rows[id] for id in sorted(some) if id in rows] for key, some in whom.items()}
        return {key: self._one(key, some, min(now, since.get(key, now))) for key, some in its.items()}

    def _one(self, key: str, rows: Sequence[Row], since: datetime) -> TargetRecord | Failure:
        """R24: several are a question, and not the first of them."""
        if key.startswith((UNKEYED, NEWLY)):
            rows = [row for row in rows if not wire.text(row.get(self._key_field))]
        if key.startswith((NEWLY, NAMED)):
            made = [(row, wire.stamp(row.get("Created_Time"))) for row in rows]
            rows = [row for row, at in made if at is not None and at > since - A_MOMENT]
        if len(rows) > 1:
            return refused(ZC_SEVERAL, f"They are {', '.join(str(row['id']) for row in rows[:10])}.")
        return self._shown(rows[0] if rows else None)

    async def _queried(
        self, module: str, field: str, more: Sequence[str], values: Iterable[str], api: Api
    ) -> list[Row]:  # fmt: skip
        wanted, rows = list(dict.fromkeys(values)), list[Row]()
        for at in range(0, len(wanted), VALUES):
            listed = ", ".join(map(quoted, wanted[at : at + VALUES]))
            query = f"select {', '.join([field, *more])} from {module} where {field} in ({listed}) order by id asc"  # noqa: S608 - quoted
            rows += await self._answered(query, field, api)
        return rows

    async def _answered(self, query: str, field: str, api: Api) -> list[Row]:
        """In pages of the size that costs one credit; of fifty values there is one, as a rule."""
        rows, goes_on = list[Row](), True
        while goes_on:
            page = {"select_query": f"{query} limit {len(rows)}, {PAGE}"}
            call = Call("POST", "/coql", f"{self._reader.entity}s.find", json=page)
            try:
                answer = await api.call(call)
            except Failure as failure:
                if failure.code == ZC_CALL_WRONG.name and failure.vendor_code == "INVALID_QUERY":
                    raise refused(ZC_FIELD_MISSING, f"It is {field} of {self._reader.module}.") from failure
                raise
            found = _rows(answer)
            rows, goes_on = rows + found, len(found) == PAGE
        return rows

    def _shown(self, row: Row | None) -> TargetRecord:
        if row is None:
            return TargetRecord(exists=False)
        return TargetRecord(
            exists=True, met=True, id=str(row["id"]), seen=module_wire.seen(self._reader, row, self._key_field),
            stamp=wire.stamp(row.get(STAMP)),
        )  # fmt: skip


def _over(row: Row) -> datetime | None:
    """When the second of its stamp, and what a read may lag behind it, are over."""
    stamp = wire.stamp(row.get(STAMP))
    return stamp + SECOND_IS_OVER if stamp is not None else None


def _id_in(value: Any) -> str | None:
    """Of a record itself, or of the one that a lookup leads to."""
    return wire.part(value, "id") if isinstance(value, dict) else wire.record_id(value)


def _having(rows: Sequence[Row], field: str, value: str) -> list[Row]:
    """The vendor compares without regard to case and to spaces around."""
    return [row for row in rows if (wire.text(row.get(field)) or "").casefold() == value.strip().casefold()]


def _rows(answer: VendorAnswer) -> list[Row]:
    if not answer.body:
        return []
    with reading(answer):
        rows: list[Any] = wire.body_of(answer.body)["data"]
        return [dict(row) for row in rows if wire.record_id(row["id"])]


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
