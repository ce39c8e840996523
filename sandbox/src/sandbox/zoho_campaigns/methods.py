"""Every method the vendor answers here: verb, parameters, scopes, limit, form of its answers, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.zoho_campaigns import contact_api, field_api, list_api, subscription_api, tag_api, topic_api
from sandbox.zoho_campaigns.call import Call
from sandbox.zoho_campaigns.envelopes import NESTED, PLAIN, SAID, TAGS, TOPICS
from sandbox.zoho_campaigns.meters import BULK, COMMON, FIELDS, SUBSCRIBE
from sandbox.zoho_campaigns.refusals import Document

READ, CREATE, UPDATE = "READ", "CREATE", "UPDATE"
PAGES = ("sort", "fromindex", "range")


@dataclass(frozen=True, slots=True)
class Method:
    """One method; `in_path` ones have the format in front of their name, too."""

    verb: str
    name: str
    handler: Callable[[Call], Document]
    mandatory: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    scopes: tuple[str, ...] = (READ,)
    limit: str = COMMON
    form: str = PLAIN
    in_path: bool = False

    @property
    def format_name(self) -> str:
        """The parameter that says which format is wanted."""
        return "type" if self.form == NESTED else "resfmt"

    @property
    def is_write(self) -> bool:
        return self.scopes != (READ,)

    @property
    def missing(self) -> str:
        """Two codes mean the same: which of them is told goes by the verb."""
        return "1003" if self.verb == "GET" else "903"


BOTH = (CREATE, UPDATE)
METHODS = (
    Method("GET", "getmailinglists", list_api.get_mailing_lists, (), PAGES),
    Method("GET", "getlistsubscribers", contact_api.get_list_subscribers, ("listkey",), ("status", *PAGES)),
    Method("GET", "listsubscriberscount", contact_api.list_subscribers_count, ("listkey",), ("status",)),
    Method(
        "POST", "listsubscribe", subscription_api.list_subscribe, ("listkey", "contactinfo"), ("source", "topic_id"), BOTH, SUBSCRIBE,
        SAID, in_path=True,
    ),
    Method("POST", "addlistsubscribersinbulk", subscription_api.add_subscribers_in_bulk, ("listkey", "emailids"), (), BOTH, BULK, SAID),
    Method(
        "POST", "addlistandcontacts", list_api.add_list_and_contacts, ("listname", "signupform", "mode", "emailids"),
        ("listdescription",), (CREATE,), COMMON, SAID,
    ),
    Method(
        "POST", "listunsubscribe", subscription_api.list_unsubscribe, ("listkey", "contactinfo"), ("topic_id",), (UPDATE,), COMMON, SAID,
        in_path=True,
    ),
    Method("POST", "contactdonotmail", subscription_api.contact_do_not_mail, ("contactinfo",), (), (UPDATE,), COMMON, SAID, in_path=True),
    Method("GET", "contact/allfields", field_api.all_fields, ("type",), (), (READ,), FIELDS, NESTED),
    Method("POST", "custom/add", field_api.add_field, ("type", "fieldname", "fieldtype"), ("fieldlength",), (CREATE,), FIELDS, NESTED),
    Method("GET", "topics", topic_api.get_topics, ("details",), (), (READ,), COMMON, TOPICS),
    Method("POST", "topics", topic_api.create_topic, ("details",), (), (CREATE,), COMMON, TOPICS),
    Method("GET", "tag/add", tag_api.add_tag, ("tagName",), ("tagDesc", "color"), (CREATE,), COMMON, TAGS),
    Method("GET", "tag/associate", tag_api.associate_tag, ("tagName", "lead_email"), (), (UPDATE,), COMMON, TAGS),
    Method("GET", "tag/deassociate", tag_api.deassociate_tag, ("tagName", "lead_email"), (), (UPDATE,), COMMON, TAGS),
    Method("GET", "tag/getalltags", tag_api.all_tags, (), (), (READ,), COMMON, TAGS),
)  # fmt: skip

BY_ADDRESS: dict[tuple[str, str], Method] = {
    (method.verb, f"{prefix}{method.name}"): method
    for method in METHODS
    for prefix in (("json/", "xml/") if method.in_path else ("",))
}
