"""How answers look: what one method says on top another says inside, in XML unless JSON is asked for."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.contract.sandbox.zoho_campaigns.campaigns import SUBSCRIBE, Campaigns, code_of


class TestEnvelopes:
    async def test_of_a_list_has_its_rows_on_top(self, campaigns: Campaigns) -> None:
        told = await campaigns.ok("GET", "getmailinglists", sort="asc")
        assert list(told) == ["status", "code", "uri", "version", "sort", "range", "fromindex", "list_of_details"]
        assert list(told.values())[:-1] == [
            "success",
            "0",
            "/api/v1.1/getmailinglists",
            "1.1",
            "Ascending Order",
            "20",
            "1",
        ]

    async def test_of_a_write_has_its_message_first(self, campaigns: Campaigns) -> None:
        contact = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example")}
        told = await campaigns.ok("POST", SUBSCRIBE, **contact)
        assert told == {
            "message": "User successfully subscribed.", "status": "success", "code": "0", "uri": "/api/v1.1/json/listsubscribe",
            "version": "1.1",
        }  # fmt: skip

    async def test_of_fields_is_nested(self, campaigns: Campaigns) -> None:
        listed = (await campaigns.send("GET", "contact/allfields", type="json")).json()
        assert list(listed) == ["response"]
        assert listed["response"]["code"] == "0"
        made = await campaigns.send(
            "POST", "custom/add", type="json", fieldname="BOOKSID", fieldtype="Text", fieldlength=40
        )
        assert made.json() == {"response": {
            "message": "Success", "code": "200", "fieldtype": "Text", "mandatory_check": "success", "type": "json",
            "uri": "/api/v1.1/custom/add", "fieldname": "BOOKSID", "fieldlength": "40",
        }}  # fmt: skip

    async def test_of_topics_has_no_status_and_another_code(self, campaigns: Campaigns) -> None:
        told = await campaigns.ok("GET", "topics", details="{from_index:0,range:100}")
        assert list(told) == ["topicDetails", "code", "message", "uri"]
        assert (told["code"], told["message"], told["uri"]) == ("200", "Success", "/api/v1.1/topics")

    @pytest.mark.parametrize(
        ("verb", "method", "query", "told"),
        [
            ("GET", "getlistsubscribers", {"listkey": "x"}, {"Code": "2501", "URI": "/api/v1.1/getlistsubscribers", "status": "error"}),
            ("POST", "json/listunsubscribe", {"listkey": "x", "contactinfo": "{}"}, {"code": "2102", "status": "error", "version": "1.1"}),
            ("GET", "tag/associate", {"tagName": "x", "lead_email": "y"}, {
                "code": "9001", "message": "Tag not found", "version": "1", "uri": "/api/v1/tag/associate", "status": "failure",
            }),
            ("POST", "topics", {"details": "{}"}, {"code": "4017", "uri": "/api/v1.1/topics"}),
        ],
    )  # fmt: skip
    async def test_of_failures_have_http_200_and_keys_by_method(
        self, campaigns: Campaigns, verb: str, method: str, query: dict[str, str], told: dict[str, str]
    ) -> None:
        answer = await campaigns.send(verb, method, None, resfmt="JSON", **query)
        assert answer.status_code == 200
        assert told.items() <= answer.json().items()

    async def test_of_a_failed_field_is_nested_too(self, campaigns: Campaigns) -> None:
        answer = await campaigns.send("POST", "custom/add", type="json", fieldname="phone", fieldtype="Text")
        assert answer.json()["response"]["code"] == "916"
        assert "status" not in answer.json()["response"]


class TestFormats:
    async def test_are_xml_unless_json_is_asked_for(self, campaigns: Campaigns) -> None:
        answer = await campaigns.send("GET", "getmailinglists", sort="asc")
        assert answer.headers["content-type"].startswith("text/xml")
        root = ElementTree.fromstring(answer.content)
        assert (root.tag, root.attrib["uri"], root.findtext("code")) == ("response", "/api/v1.1/getmailinglists", "0")
        assert [row.text for row in root.iter("listname")] == ["Customers", "Partners", "Newsletter"]
        failed = ElementTree.fromstring((await campaigns.send("GET", "getlistsubscribers", listkey="x")).content)
        assert failed.findtext("Code") == "2501"

    async def test_go_by_the_path_of_some(self, campaigns: Campaigns) -> None:
        contact = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example")}
        assert (await campaigns.send("POST", "json/listsubscribe", None, **contact)).json()["code"] == "0"
        in_xml = await campaigns.send("POST", "xml/listsubscribe", None, resfmt="JSON", **contact)
        assert ElementTree.fromstring(in_xml.content).findtext("message") == "User successfully subscribed."

    async def test_have_another_parameter_for_fields(self, campaigns: Campaigns) -> None:
        assert code_of((await campaigns.send("GET", "contact/allfields", type="json")).json()["response"]) == "0"
        in_xml = await campaigns.send("GET", "contact/allfields", type="xml")
        assert "Contact Email" in [row.text for row in ElementTree.fromstring(in_xml.content).iter("DISPLAY_NAME")]
        wrong = await campaigns.send("GET", "contact/allfields", resfmt="JSON", type="json")
        assert code_of(wrong.json()) == "1002"


class TestParameters:
    async def test_are_taken_from_the_query_or_a_form(self, campaigns: Campaigns) -> None:
        form = {"listkey": campaigns.key(), "contactinfo": campaigns.contact("ida@alder.example"), "resfmt": "JSON"}
        assert (await campaigns.send("POST", SUBSCRIBE, form)).json()["code"] == "0"
        assert campaigns.status("ida@alder.example") == "active"

    async def test_are_not_taken_from_json(self, campaigns: Campaigns) -> None:
        body = {"listkey": campaigns.key(), "contactinfo": {"Contact Email": "ida@alder.example"}}
        base, headers = (
            campaigns.row["base_url"].replace("{base}", ""),
            {"authorization": f"Zoho-oauthtoken {campaigns.token}"},
        )
        answer = await campaigns.http.post(f"{base}/{SUBSCRIBE}", params={"resfmt": "JSON"}, json=body, headers=headers)
        assert (answer.status_code, code_of(answer.json())) == (200, "903")

    async def test_are_judged_one_by_one(self, campaigns: Campaigns) -> None:
        assert await campaigns.refused("GET", "getlistsubscribers") == "1003"
        assert await campaigns.refused("GET", "getmailinglists", listkey="x") == "1002"
        assert await campaigns.refused("GET", "getmailinglists", range="many") == "1005"
        assert await campaigns.refused("GET", "getmailinglists", fromindex="0") == "1001"
        assert await campaigns.refused("GET", "getmailinglists", sort="up") == "1001"
        twice = await campaigns.send("POST", SUBSCRIBE, {"listkey": "x"}, listkey="y", contactinfo="{}")
        assert code_of(twice.json()) == "1006"
