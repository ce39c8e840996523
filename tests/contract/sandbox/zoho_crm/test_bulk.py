"""Bulk read: a job, its pages, and a zip of CSV."""

from __future__ import annotations

import csv
import io
import json
import zipfile

from tests.contract.sandbox.zoho_books.books import Receiver
from tests.contract.sandbox.zoho_crm.conftest import Act, Connect
from tests.contract.sandbox.zoho_crm.crm import Crm, Document
from tests.contract.sandbox.zoho_crm.test_channels import heard
from tests.support.sandbox import SandboxProcess


def asked(bulk: Crm, query: Document, **more: object) -> str:
    body = {"query": {"module": {"api_name": "Contacts"}, "fields": ["Last_Name", "Account_Name"], **query}, **more}
    [row] = bulk.reported("POST", "/read", body, 201)["data"]
    assert (row["code"], row["details"]["state"]) == ("ADDED_SUCCESSFULLY", "ADDED")
    return str(row["details"]["id"])


def rows_of(bulk: Crm, id_: str) -> list[dict[str, str]]:
    content = bulk.send("GET", f"/read/{id_}/result").content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        [name] = file.namelist()
        return list(csv.DictReader(io.StringIO(file.read(name).decode())))


class TestBulkRead:
    def test_ends_after_a_while_with_a_zip_of_rows(
        self, operator: Crm, connect: Connect, sandbox: SandboxProcess, receiver: Receiver
    ) -> None:
        bulk = connect(operator=True, bulk=True)
        [account] = operator.add("Accounts", {"Account_Name": "Alder"})
        id_ = operator.contact("Alder", Account_Name={"id": account})
        operator.contact("Berg")
        job = asked(bulk, {}, callback={"url": receiver.url, "method": "post"})
        assert bulk.reported("GET", f"/read/{job}")["data"][0]["state"] == "IN PROGRESS"
        assert bulk.refused("GET", f"/read/{job}/result")[:2] == (404, "RESOURCE_NOT_FOUND")
        sandbox.post("clock", {"advance_s": 3})
        [told] = bulk.reported("GET", f"/read/{job}")["data"]
        assert (told["state"], told["result"]["count"], told["result"]["more_records"]) == ("COMPLETED", 2, False)
        assert told["result"]["download_url"] == f"/crm/bulk/v8/read/{job}/result"
        assert rows_of(bulk, job)[0] == {"Id": id_, "Last_Name": "Alder", "Account_Name": account}
        heard(receiver, 1)
        assert json.loads(receiver.heard[0].body)["job_id"] == job

    def test_reads_what_fits_its_criteria(self, crm: Crm, connect: Connect, switch: Act) -> None:
        switch(bulk_seconds=0)
        bulk = connect(bulk=True)
        crm.add("Contacts", *({"Last_Name": name} for name in ("Alder", "Berg", "Claus")))
        named = {"field": {"api_name": "Last_Name"}}
        group = [{**named, "comparator": "equal", "value": "Berg"}, {**named, "comparator": "in", "value": ["Claus"]}]
        job = asked(bulk, {"criteria": {"group_operator": "or", "group": group}})
        assert [row["Last_Name"] for row in rows_of_job(bulk, job)] == ["Berg", "Claus"]
        body = {
            "query": {
                "module": {"api_name": "Contacts"},
                "criteria": {**named, "comparator": "resembles", "value": "x"},
            }
        }
        assert bulk.refused("POST", "/read", body)[1] == "INVALID_CRITERIA"
        assert (
            bulk.refused("POST", "/read", {"query": {"module": {"api_name": "Nothings"}}})[1] == "MODULE_NOT_AVAILABLE"
        )

    def test_goes_on_by_token(self, crm: Crm, connect: Connect, switch: Act) -> None:
        switch(bulk_seconds=0, bulk_rows=2)
        bulk = connect(bulk=True)
        ids = crm.add("Contacts", *({"Last_Name": name} for name in "ABC"))
        first = asked(bulk, {})
        seen = [row["Id"] for row in rows_of_job(bulk, first)]
        [told] = bulk.reported("GET", f"/read/{first}")["data"]
        assert told["result"]["more_records"] is True
        second = asked(bulk, {"page_token": told["result"]["next_page_token"]})
        assert [*seen, *(row["Id"] for row in rows_of_job(bulk, second))] == ids


def rows_of_job(bulk: Crm, job: str) -> list[dict[str, str]]:
    """Of a job that takes no time: asking for its state ends it."""
    assert bulk.reported("GET", f"/read/{job}")["data"][0]["state"] == "COMPLETED"
    return rows_of(bulk, job)
