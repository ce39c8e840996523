"""The simulator beside the vendor's own descriptions: every field and every frame of an answer is theirs."""

from __future__ import annotations

import pytest

from sandbox.quickbooks.entities import READ_ONLY, WRITABLE
from sandbox.quickbooks.values import ADDRESS
from tests.contract.sandbox.quickbooks.books import Books
from tests.contract.sandbox.quickbooks.specs import members

# Added by the JSON form, or newer than the descriptions.
OF_JSON = {"domain", "sparse", "status", "time"}


@pytest.mark.specs
class TestDescriptions:
    @pytest.mark.parametrize("entity", sorted(WRITABLE))
    def test_every_field_is_the_vendors(self, entity: str) -> None:
        assert set(WRITABLE[entity]) - members(entity) == set()

    def test_what_is_read_only_and_the_parts_of_an_address_are_too(self) -> None:
        known = members("Customer") | members("Vendor")
        assert READ_ONLY - known - OF_JSON == set()
        assert set(ADDRESS) - members("PhysicalAddress") == set()

    async def test_answers_have_the_vendors_members(self, operator: Books) -> None:
        made = await operator.customer("Ada", BillAddr={"City": "Leeds"})
        assert made.keys() - members("Customer") <= OF_JSON
        assert made["MetaData"].keys() <= members("ModificationMetaData")
        told = await operator.query("select * from Customer")
        assert told.keys() - {"Customer"} <= members("QueryResponse")
        fault = (await operator.send("GET", "/customer/999")).json()["Fault"]
        assert fault.keys() <= members("Fault")
        assert fault["Error"][0].keys() <= members("Error")
