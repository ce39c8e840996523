"""Reporting tags: lists of options, chosen per record; no free labels (sheet, section 4)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.catalogue import ReportingTag, TagOption
from sandbox.zoho_books.refusals import Refusal, absent, missing
from sandbox.zoho_books.wire import Body, Document


def _view(tag: ReportingTag, order: int) -> Document:
    return {
        "tag_id": tag.id,
        "tag_name": tag.name,
        "tag_order": order,
        "description": tag.description,
        "is_active": tag.active,
        "is_mandatory": tag.mandatory,
        "is_class": False,
        "is_draft": not tag.options,
    }


def list_tags(call: Call) -> Reply:
    rows = [_view(tag, order) for order, tag in enumerate(call.org.tags.values(), start=1)]
    return done("success", reporting_tags=rows)


def create_tag(call: Call) -> Reply:
    body, org = call.body(), call.org
    name = body.required("tag_name", 100)
    if any(tag.name.casefold() == name.casefold() for tag in org.tags.values()):
        raise Refusal(400, 1001, f'Reporting tag "{name}" already exists.')
    tag = ReportingTag(org.new_id(), name, (), body.text("description", "", 500), body.flag("is_mandatory"))
    org.tags[tag.id] = tag
    call.wrote("reporting_tag", tag.id, "create")
    return Reply("success", {"tag": _view(tag, len(org.tags))}, 201)


def _found(call: Call) -> ReportingTag:
    tag = call.org.tags.get(call.ids["tag_id"])
    if tag is None:
        raise absent("Reporting tag")
    return tag


def put_options(call: Call) -> Reply:
    """The whole list of options: those named by id stay, those without are new, the rest go."""
    before, body = _found(call), call.body()
    rows = body.rows("options")
    if not rows:
        raise missing("options")
    known = {option.id: option for option in before.options}
    options = tuple(_option(call, row, known) for row in rows)
    after = replace(before, options=options)
    call.org.tags[after.id] = after
    call.wrote("reporting_tag", after.id, "update" if after != before else "noop")
    return done("Options updated successfully")


def _option(call: Call, row: Body, known: dict[str, TagOption]) -> TagOption:
    option_id = row.id("option_id")
    if option_id and option_id not in known:
        raise absent("Option")
    name = row.required("option_name", 100)
    return TagOption(option_id or call.org.new_id(), name, row.flag("is_active", True))


def list_options(call: Call) -> Reply:
    """`GET /reportingtags/{id}/options/all`."""
    rows = [{"option_id": one.id, "option_name": one.name, "depth": 0} for one in _found(call).options]
    return done("success", results=rows)


def delete_tag(call: Call) -> Reply:
    tag = _found(call)
    if any(tag.id == tagged.tag_id for contact in call.org.contacts for tagged in contact.tags):
        raise Refusal(400, 1040, "Reporting tags in use cannot be deleted.")
    del call.org.tags[tag.id]
    call.wrote("reporting_tag", tag.id, "delete")
    return done("The reporting tag has been deleted successfully.")
