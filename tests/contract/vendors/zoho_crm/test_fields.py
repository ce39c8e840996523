"""Fields that mappings ask for at Zoho CRM: together, once each though answers are lost, and a refusal for each that cannot be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from common.contracts.ids import Entity
from common.http.call import Call, VendorAnswer
from tests.contract.vendors.account import Recorded
from tests.contract.vendors.zoho_crm.account import CrmTarget, opened
from tests.support.sandbox import SandboxProcess
from vendors.catalogue import AskedField
from vendors.zoho_crm.field_making import AT_ONCE

KEY = AskedField("key", "text")
OTHERS = [
    AskedField(f"custom.Books_{n}", kind)
    for n, kind in enumerate(("number", "text", "date", "money", "url", "boolean"))
]
READ, WRITTEN = "GET /settings/fields", "POST /settings/fields"


@pytest.fixture
async def crm(sandbox: SandboxProcess) -> AsyncIterator[CrmTarget]:
    """Accounts as they are from the start."""
    async with opened(sandbox) as account:
        place = account.connection.details["org_id"]
        yield CrmTarget(account.connection, account.api, sandbox, account.crm, place=place, entity=Entity("customer"))


@dataclass
class Meanwhile(Recorded):
    """Somebody does something just before our first write."""

    do: Callable[[], object] = lambda: None

    async def call(self, call: Call) -> VendorAnswer:
        if call.writes:
            self.do()
            self.do = lambda: None
        return await self.inner.call(call)


def calls(crm: CrmTarget) -> list[str]:
    """Ours to the settings, as the vendor has counted them."""
    listed = crm.sandbox.get("log", since=0)["calls"]
    ours = [one for one in listed if one["vendor"] == "zoho-crm" and not one["operator"]]
    return [one["route"] for one in ours if one["route"] in (READ, WRITTEN)]


def names(crm: CrmTarget) -> list[str]:
    fields = crm.crm.reported("GET", "/settings/fields", module=crm.module)["fields"]
    return [one["api_name"] for one in fields if one["api_name"].startswith("Books_")]


async def test_those_of_a_module_are_made_five_a_call_between_two_reads(crm: CrmTarget) -> None:
    asked = [*OTHERS, KEY, OTHERS[0]]
    made = await crm.made(*asked)
    assert not made.refused
    shown = {one.path: made.catalogue.get(one.path) for one in asked}
    kinds = {path: one.type if one else None for path, one in shown.items()}
    # The vendor's check box is a text to us.
    assert kinds == {one.path: "text" if one.type == "boolean" else one.type for one in asked}
    assert made.catalogue == await crm.target.catalogue(crm.connection, crm.place, crm.api)
    new = len(OTHERS) + 1
    assert calls(crm) == [READ, *[WRITTEN] * -(-new // AT_ONCE), READ, READ]
    assert len(names(crm)) == new
    # Again it is a read.
    assert (await crm.made(*asked)).catalogue == made.catalogue
    assert calls(crm)[-2:] == [READ, READ] and len(names(crm)) == new


@pytest.mark.parametrize("kind", ["reset_after", "half_commit"])
async def test_a_lost_answer_is_no_error_where_they_are_there(crm: CrmTarget, kind: str) -> None:
    crm.sandbox.post("faults", {"vendor": "zoho-crm", "route": WRITTEN, "kind": kind, "count": 1})
    made = await crm.made(KEY, *OTHERS)
    assert not made.refused and len(names(crm)) == len(OTHERS) + 1
    assert calls(crm) == [READ, WRITTEN, WRITTEN, READ]


async def test_a_call_that_never_arrived_is_told_of_each_of_its_fields_and_made_by_the_next(crm: CrmTarget) -> None:
    crm.sandbox.post("faults", {"vendor": "zoho-crm", "route": WRITTEN, "kind": "reset_before", "count": 1})
    made = await crm.made(KEY, *OTHERS)
    assert list(made.refused) == ["key", *(one.path for one in OTHERS[: AT_ONCE - 1])]
    assert not any(failure.code == "ZC_FIELD_REFUSED" for failure in made.refused.values())
    assert not (await crm.made(KEY, *OTHERS)).refused and len(names(crm)) == len(OTHERS) + 1


async def test_what_somebody_makes_at_the_same_time_is_taken_as_it_is(crm: CrmTarget) -> None:
    api = Meanwhile(crm.api, do=lambda: crm.crm.make_field(crm.module, "Books 1"))
    assert not (await replace(crm, api=api).made(*OTHERS)).refused
    assert len(names(crm)) == len(OTHERS)


async def test_a_module_that_is_full_says_which_had_no_room(crm: CrmTarget) -> None:
    listed = crm.crm.reported("GET", "/settings/fields", module=crm.module)["fields"]
    crm.switch(custom_fields=sum(one["custom_field"] for one in listed) + 2)
    for _ in range(2):
        made = await crm.made(*OTHERS[:4])
        assert list(made.refused) == [one.path for one in OTHERS[2:4]] and len(names(crm)) == 2
        assert {failure.code for failure in made.refused.values()} == {"ZC_FIELD_REFUSED"}
        assert all("LIMIT_EXCEEDED" in failure.message for failure in made.refused.values())


async def test_where_one_cannot_be_none_is_made(crm: CrmTarget) -> None:
    crm.crm.make_field(crm.module, "Books 0")
    long, odd = AskedField("custom.Books_with_a_name_too_long_for_it", "text"), AskedField("name", "text")
    twice = AskedField(OTHERS[1].path, "date")
    made = await crm.made(*OTHERS, long, odd, twice)
    assert set(made.refused) == {OTHERS[0].path, long.path, odd.path, twice.path}
    assert "as text" in made.refused[OTHERS[0].path].message and "two ways" in made.refused[twice.path].message
    assert calls(crm) == [READ] and names(crm) == ["Books_0"]
