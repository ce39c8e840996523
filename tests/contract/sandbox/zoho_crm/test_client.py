"""The vendor's own Python client, `zohocrmsdk8_0`, against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api import coql as coql_calls
from zohocrmsdk.src.com.zoho.crm.api import notifications as channel_calls
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    BodyWrapper,
    Field,
    GetDeletedRecordsParam,
    GetRecordsParam,
    Record,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig

from tests.contract.sandbox.zoho_crm.crm import Crm


@pytest.fixture
def contacts(crm: Crm, tmp_path: Path) -> Any:
    """Its calls for contacts, with the sandbox's addresses."""
    api = crm.base_url.removesuffix("/crm/v8")
    environment = DataCenter.Environment(api, api.removesuffix("/api") + "/accounts/oauth/v2/token", api)
    Initializer.initialize(
        environment=environment,
        token=OAuthToken(access_token=crm.token),
        store=FileStore(str(tmp_path / "tokens")),
        sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=False),
        resource_path=str(tmp_path),
        logger=Logger.get_instance(level=Logger.Levels.ERROR, file_path=str(tmp_path / "log")),
    )
    return RecordOperations("Contacts")


def body(**values: str) -> Any:
    row, made = Record(), BodyWrapper()
    for name, value in values.items():
        row.add_field_value(getattr(Field.Contacts, name)(), value)
    made.set_data([row])
    return made


def listed(contacts: Any) -> Any:
    asked = ParameterMap()
    asked.add(GetRecordsParam.fields, "Last_Name,Email")
    return contacts.get_records(asked, HeaderMap())


class TestClient:
    def test_writes_reads_and_deletes(self, contacts: Any) -> None:
        written = body(last_name="Alder", email="ida@alder.example")
        made = contacts.create_records(written, HeaderMap())
        assert (made.get_status_code(), made.get_object().get_data()[0].get_code().get_value()) == (201, "SUCCESS")
        [again] = contacts.upsert_records(written, HeaderMap()).get_object().get_data()
        assert again.get_action().get_value() == "update"
        [row] = listed(contacts).get_object().get_data()
        changed = contacts.update_record(row.get_id(), body(title="CFO"), HeaderMap())
        assert changed.get_object().get_data()[0].get_details()["Modified_Time"].utcoffset() is not None
        [read] = contacts.get_record(row.get_id(), ParameterMap(), HeaderMap()).get_object().get_data()
        assert (read.get_key_value("Title"), read.get_created_by().get_name()) == ("CFO", "Demo (IN)")
        contacts.delete_record(row.get_id(), ParameterMap(), HeaderMap())
        asked = ParameterMap()
        asked.add(GetDeletedRecordsParam.type, "all")
        [gone] = contacts.get_deleted_records(asked, HeaderMap()).get_object().get_data()
        assert (gone.get_id(), gone.get_type()) == (row.get_id(), "recycle")
        assert listed(contacts).get_status_code() == 204

    def test_understands_a_refusal(self, contacts: Any) -> None:
        refused = contacts.create_records(body(email="ida@alder.example"), HeaderMap())
        [row] = refused.get_object().get_data()
        assert (refused.get_status_code(), row.get_code().get_value()) == (400, "MANDATORY_NOT_FOUND")
        assert row.get_details() == {"api_name": "Last_Name", "json_path": "$.data[0].Last_Name"}

    def test_asks_for_the_edition_and_by_query(self, contacts: Any) -> None:
        [org] = OrgOperations().get_organization().get_object().get_org()
        assert org.get_license_details().get_paid_type() == "enterprise"
        contacts.create_records(body(last_name="Alder", email="ida@alder.example"), HeaderMap())
        query = coql_calls.BodyWrapper()
        query.set_select_query("select Email from Contacts where Last_Name = 'Alder'")
        [row] = coql_calls.CoqlOperations().get_records(query).get_object().get_data()
        assert row.get_key_value("Email") == "ida@alder.example"

    def test_opens_a_channel(self, contacts: Any) -> None:
        wanted, channel = channel_calls.BodyWrapper(), channel_calls.Notification()
        channel.set_channel_id("77")
        channel.set_events(["Contacts.all"])
        channel.set_notify_url("https://in.example/crm")
        wanted.set_watch([channel])
        [made] = channel_calls.NotificationsOperations().enable_notifications(wanted).get_object().get_watch()
        assert made.get_code().get_value() == "SUCCESS"
        assert made.get_details()["events"][0].get_resource_name() == "Contacts"
