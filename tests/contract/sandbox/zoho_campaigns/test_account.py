"""Fields, topics, subscription types and tags of an account."""

from __future__ import annotations

import pytest

from tests.contract.sandbox.zoho_campaigns.campaigns import UNSUBSCRIBE, Campaigns

IDA = "ida@alder.example"
FIELD = {"type": "json", "fieldname": "BooksId", "fieldtype": "Text"}
ALL = {"details": '{"from_index":0,"range":100}'}
DAY = 86_400


class TestFields:
    async def test_are_told_by_two_names_and_no_type(self, campaigns: Campaigns) -> None:
        rows = (await campaigns.ok("GET", "contact/allfields"))["fieldname"]
        assert list(rows[0]) == ["DISPLAY_NAME", "FIELD_NAME", "no", "FIELD_ID"]
        assert (rows[0]["DISPLAY_NAME"], rows[0]["FIELD_NAME"], rows[0]["no"]) == (
            "Contact Email",
            "contact_email",
            "1",
        )
        assert {"First Name", "Last Name", "Company Name", "Phone"} <= {row["DISPLAY_NAME"] for row in rows}

    async def test_can_be_made_and_are_then_written(self, campaigns: Campaigns) -> None:
        told = await campaigns.ok("POST", "custom/add", **FIELD)
        assert told["fieldlength"] == "20"
        await campaigns.subscribe(IDA, BooksId="7")
        assert campaigns.stored(IDA)["values"] == {"BooksId": "7"}
        assert "BooksId" in [
            row["DISPLAY_NAME"] for row in (await campaigns.ok("GET", "contact/allfields"))["fieldname"]
        ]

    @pytest.mark.parametrize("name", ["BooksId", "BOOKSID", "booksid", "firstname", "Phone"])
    async def test_are_duplicates_whatever_their_case(self, campaigns: Campaigns, name: str) -> None:
        await campaigns.ok("POST", "custom/add", **FIELD)
        assert await campaigns.refused("POST", "custom/add", **(FIELD | {"fieldname": name})) == "916"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"fieldname": "Books Id"},
            {"fieldname": "books_id"},
            {"fieldname": "Bücher"},
            {"fieldname": ""},
            {"fieldtype": "text"},
        ],
    )
    async def test_have_letters_digits_and_a_known_type(self, campaigns: Campaigns, wrong: dict[str, str]) -> None:
        assert await campaigns.refused("POST", "custom/add", **(FIELD | wrong)) == "1001"

    async def test_need_every_parameter(self, campaigns: Campaigns) -> None:
        answer = await campaigns.send("POST", "custom/add", fieldname="BooksId", fieldtype="Text")
        assert b"<Code>903</Code>" in answer.content

    async def test_go_away_with_their_values(self, campaigns: Campaigns) -> None:
        campaigns.act("add_field", name="Books Id")
        await campaigns.subscribe(IDA, **{"Books Id": "7"})
        campaigns.act("delete_field", name="Books Id")
        assert campaigns.stored(IDA)["values"] == {}
        await campaigns.subscribe(IDA, **{"Books Id": "8"})
        assert campaigns.stored(IDA)["values"] == {}


class TestTopics:
    async def test_are_told_with_mixed_types(self, campaigns: Campaigns) -> None:
        rows = (await campaigns.ok("GET", "topics", **ALL))["topicDetails"]
        assert [row["topicName"] for row in rows] == ["default", "Offers", "News"]
        assert isinstance(rows[0]["topicId"], str)
        assert isinstance(rows[0]["primaryList"], int)
        paged = await campaigns.ok("GET", "topics", details="{from_index:1,range:1}")
        assert [row["topicName"] for row in paged["topicDetails"]] == ["Offers"]
        assert await campaigns.refused("GET", "topics") == "1003"

    async def test_may_be_off_or_by_brand(self, campaigns: Campaigns) -> None:
        made = {"details": '{"topic_name":"Sales","topic_desc":"Less"}'}
        campaigns.act("set_topics", mode="off")
        assert await campaigns.refused("GET", "topics", **ALL) == "4016"
        assert await campaigns.refused("POST", "topics", **made) == "4016"
        assert await campaigns.not_subscribed(IDA, topic=campaigns.row["topics"]["News"]) == "4016"
        assert await campaigns.subscribe(IDA) == "User successfully subscribed."
        campaigns.act("set_topics", mode="brand")
        assert await campaigns.refused("POST", "topics", **made) == "4015"
        await campaigns.ok("GET", "topics", **ALL)

    @pytest.mark.parametrize(
        ("details", "code"),
        [
            ('{"topic_name":"news","topic_desc":"Any"}', "4013"),
            ('{"topic_name":"Sales","topic_desc":"Any","product_id":"1"}', "4014"),
            ('{"topic_name":"","topic_desc":"Any"}', "4017"),
            ('{"topic_name":"Sales"}', "4018"),
        ],
    )
    async def test_are_refused_by_what_is_wrong(self, campaigns: Campaigns, details: str, code: str) -> None:
        assert await campaigns.refused("POST", "topics", details=details) == code

    async def test_can_be_made_and_subscribed_to(self, campaigns: Campaigns) -> None:
        made = await campaigns.ok("POST", "topics", details="{topic_name:Sales,topic_desc:Less}")
        await campaigns.subscribe(IDA, topic=made["topic_id"])
        assert campaigns.stored(IDA)["topics"] == [made["topic_id"]]
        campaigns.act("delete_topic", topic="Sales")
        assert campaigns.stored(IDA)["topics"] == []
        assert await campaigns.not_subscribed(IDA, topic=made["topic_id"]) == "4019"

    async def test_add_up_and_end_with_unsubscribing(self, campaigns: Campaigns) -> None:
        offers, news = campaigns.row["topics"]["Offers"], campaigns.row["topics"]["News"]
        await campaigns.subscribe(IDA, topic=offers)
        await campaigns.subscribe(IDA, topic=news)
        assert campaigns.stored(IDA)["topics"] == [offers, news]
        asked = {"listkey": campaigns.key(), "contactinfo": campaigns.contact(IDA)}
        await campaigns.ok("POST", UNSUBSCRIBE, **asked, topic_id=offers)
        assert (campaigns.stored(IDA)["topics"], campaigns.status(IDA)) == ([news], "active")
        await campaigns.ok("POST", UNSUBSCRIBE, **asked)
        assert (campaigns.stored(IDA)["topics"], campaigns.status(IDA)) == ([], "unsub")

    async def test_several_in_a_call_are_an_open_question(self, campaigns: Campaigns) -> None:
        offers, news = campaigns.row["topics"]["Offers"], campaigns.row["topics"]["News"]
        both = f"{offers},{news}"
        assert await campaigns.not_subscribed(IDA, topic=both) == "4019"
        for how, stored in (("first", [offers]), ("accepted", [offers, news])):
            campaigns.switch(several_topics=how)
            await campaigns.subscribe(IDA, topic=both)
            assert campaigns.stored(IDA)["topics"] == stored


class TestTypes:
    @pytest.mark.parametrize(
        ("reading", "new", "later"),
        [("non_marketing", False, False), ("new_only", False, True), ("marketing", True, True)],
    )
    async def test_without_a_topic_are_an_open_question(
        self, campaigns: Campaigns, reading: str, new: bool, later: bool
    ) -> None:
        campaigns.switch(no_topic=reading)
        await campaigns.subscribe(IDA)
        await campaigns.subscribe("b@alder.example", topic=campaigns.row["topics"]["News"])
        assert campaigns.stored(IDA)["marketing"] is new
        campaigns.later(31 * DAY)
        await campaigns.connected().subscribe("b@alder.example")
        assert campaigns.stored("b@alder.example")["marketing"] is later

    async def test_change_once_a_month(self, campaigns: Campaigns) -> None:
        news = campaigns.row["topics"]["News"]
        await campaigns.subscribe(IDA)
        await campaigns.subscribe(IDA, topic=news, City="Bonn")
        stored = campaigns.stored(IDA)
        assert (stored["marketing"], stored["topics"], stored["values"]) == (False, [], {"City": "Bonn"})
        campaigns.switch(early_type_change="refused")
        assert await campaigns.not_subscribed(IDA, topic=news, City="Kiel") == "4012"
        assert campaigns.stored(IDA) == stored
        campaigns.later(31 * DAY)
        again = campaigns.connected()
        await again.subscribe(IDA, topic=news)
        assert (again.stored(IDA)["marketing"], again.stored(IDA)["topics"]) == (True, [news])
        assert await again.not_subscribed(IDA) == "4012"

    async def test_are_everybodys_the_same_without_topics(self, campaigns: Campaigns) -> None:
        campaigns.act("set_topics", mode="off")
        await campaigns.subscribe(IDA)
        assert campaigns.stored(IDA)["marketing"] is True

    async def test_and_lawful_bases_have_no_parameter(self, campaigns: Campaigns) -> None:
        campaigns.act("set_gdpr", on=True)
        asked = {"listkey": campaigns.key(), "contactinfo": campaigns.contact(IDA)}
        for name in ("subscription_type", "lawful_basis", "marketing"):
            assert await campaigns.refused("POST", "json/listsubscribe", **asked, **{name: "x"}) == "1002"
        await campaigns.ok("POST", "json/listsubscribe", **asked)
        assert campaigns.state["gdpr"] is True


class TestTags:
    async def test_are_written_by_get(self, campaigns: Campaigns) -> None:
        await campaigns.subscribe(IDA)
        marked = {"tagName": "VIP", "lead_email": IDA}
        assert await campaigns.refused("GET", "tag/associate", **marked) == "9001"
        await campaigns.ok("GET", "tag/add", tagName="VIP", tagDesc="Dear", color="#ff0000")
        assert await campaigns.refused("GET", "tag/add", tagName="vip") == "9000"
        await campaigns.ok("GET", "tag/associate", **marked)
        await campaigns.ok("GET", "tag/associate", **marked)
        assert campaigns.stored(IDA)["tags"] == ["VIP"]
        assert (
            await campaigns.refused("GET", "tag/associate", tagName="VIP", lead_email="nobody@alder.example") == "9002"
        )
        assert [row["tag_name"] for row in (await campaigns.ok("GET", "tag/getalltags"))["tags"]] == ["VIP"]
        await campaigns.ok("GET", "tag/deassociate", **marked)
        assert campaigns.stored(IDA)["tags"] == []
