"""Topics of an account that has them on (sheet, section 3): identifiers are text in one place and numbers in another."""

from __future__ import annotations

from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.parameters import object_of, whole
from sandbox.zoho_campaigns.refusals import Document, Refusal, at_gateway

MOST = 100


def get_topics(call: Call) -> Document:
    _enabled(call)
    details = object_of(call.given("details"))
    if not details.keys() <= {"from_index", "range"}:
        raise at_gateway("1002")
    start, many = whole(details, "from_index", 0, 0), whole(details, "range", MOST)
    found = list(call.account.topics.values())[start : start + min(many, MOST)]
    rows = [{"topicId": one.id, "primaryList": one.primary_list, "topicName": one.name} for one in found]
    return {"topicDetails": rows}


def create_topic(call: Call) -> Document:
    _enabled(call)
    if call.account.topic_mode == "brand":
        raise Refusal("4015")
    details = object_of(call.given("details"))
    name, description = details.get("topic_name", "").strip(), details.get("topic_desc", "").strip()
    if not name or not description:
        raise Refusal("4018" if name else "4017")
    if details.get("product_id", call.account.product_id) != call.account.product_id:
        raise Refusal("4014")
    if any(one.name.lower() == name.lower() for one in call.account.topics.values()):
        raise Refusal("4013")
    made = call.account.add_topic(name, description)
    call.noted("topic", made.id, "create")
    return {"topic_id": made.id}


def _enabled(call: Call) -> None:
    if call.account.topic_mode == "off":
        raise Refusal("4016")
