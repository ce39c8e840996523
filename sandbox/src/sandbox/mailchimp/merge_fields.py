"""The merge fields of an audience: read, made, changed, removed (sheet, section 4)."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.audience import Audience
from sandbox.mailchimp.bodies import Rule, check, flag, nested, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply
from sandbox.mailchimp.merge_field import (
    MOST_FIELDS,
    MOST_FIELDS_PREMIUM,
    TYPES,
    MergeField,
    tag_for,
    well_formed,
)
from sandbox.mailchimp.problems import FieldError, invalid, invalid_fields, not_found

RULES: dict[str, Rule] = {
    "name": Rule(),
    "tag": Rule(),
    "required": Rule("boolean"),
    "default_value": Rule(),
    "public": Rule("boolean"),
    "display_order": Rule("integer"),
    "help_text": Rule(),
    "options": Rule("object"),
}
OPTION_RULES: dict[str, Rule] = {
    "default_country": Rule("integer"),
    "phone_format": Rule(),
    "date_format": Rule(),
    "choices": Rule("array"),
    "size": Rule("integer"),
}


def shape(audience: Audience, field: MergeField) -> dict[str, object]:
    return {
        "merge_id": field.id,
        "tag": field.tag,
        "name": field.name,
        "type": field.type,
        "required": field.required,
        "default_value": field.default,
        "public": field.public,
        "display_order": field.order,
        "options": field.options,
        "help_text": field.help,
        "list_id": audience.id,
    }


def field_of(call: Call) -> MergeField:
    wanted = call.params["merge_id"]
    found = next((field for field in call.audience.fields if str(field.id) == wanted), None)
    if found is None:
        raise not_found()
    return found


def page(call: Call) -> Reply:
    audience, query = call.audience, call.query
    found = [
        field
        for field in sorted(audience.fields, key=lambda field: field.order)
        if query.get("type", field.type) == field.type
        and query.get("required", str(field.required)).lower() == str(field.required).lower()
    ]
    shown = [shape(audience, field) for field in paging.page(found, query, everything=call.in_batch)]
    return call.shown({"merge_fields": shown, "list_id": audience.id, "total_items": len(found)})


def get(call: Call) -> Reply:
    return call.shown(shape(call.audience, field_of(call)))


def create(call: Call) -> Reply:
    audience = call.audience
    check(call.body, {**RULES, "name": Rule(required=True), "type": Rule(required=True, choices=TYPES)})
    _check_room(call, audience)
    _check_options(call, text(call.body, "type"))
    tag = tag_for(text(call.body, "tag"), audience.next_merge_id)
    _check_tag(audience, tag)
    made = MergeField(audience.next_merge_id, tag, text(call.body, "name"), text(call.body, "type"))
    made.order = len(audience.fields) + 2
    _set(made, call)
    audience.fields.append(made)
    audience.next_merge_id += 1
    call.note("merge_field", made.id, "create")
    return call.shown(shape(audience, made))


def _check_room(call: Call, audience: Audience) -> None:
    most = MOST_FIELDS_PREMIUM if call.switches.plan == "premium" else MOST_FIELDS
    if len(audience.fields) >= most:
        raise invalid(f"This list has reached the limit of {most} merge fields.")


def _check_options(call: Call, kind: str) -> None:
    options = nested(call.body, "options")
    check(options, OPTION_RULES, "options.")
    choices = options.get("choices")
    if kind in ("radio", "dropdown") and not choices:
        raise invalid_fields([FieldError("options.choices", "Choices are required for this type of field.")])
    if isinstance(choices, list) and not all(isinstance(choice, str) for choice in choices):
        raise invalid_fields([FieldError("options.choices", "This value should be a list of strings.")])


def _check_tag(audience: Audience, tag: str, own: MergeField | None = None) -> None:
    if not well_formed(tag):
        raise invalid_fields([FieldError("tag", f'The merge tag "{tag}" is reserved or malformed.')])
    if any(field.tag == tag for field in audience.fields if field is not own):
        raise invalid(f'A Merge Field with the tag "{tag}" already exists for this list.')


def _set(field: MergeField, call: Call) -> None:
    body = call.body
    field.name = text(body, "name", field.name)
    field.required = flag(body, "required", default=field.required)
    field.default = text(body, "default_value", field.default)
    field.public = flag(body, "public", default=field.public)
    field.help = text(body, "help_text", field.help)
    order = body.get("display_order", field.order)
    field.order = order if isinstance(order, int) else field.order
    field.options = field.options | {
        name: value for name, value in nested(body, "options").items() if name in OPTION_RULES
    }


def change(call: Call) -> Reply:
    """PATCH; the type stays, a new tag takes the members' values with it."""
    audience, field = call.audience, field_of(call)
    check(call.body, {**RULES, "name": Rule(required=True)})
    tag = tag_for(text(call.body, "tag"), field.id) if text(call.body, "tag") else field.tag
    _check_tag(audience, tag, field)
    _check_options(call, field.type if "choices" in nested(call.body, "options") else "text")
    if tag != field.tag:
        _move_values(audience, field.tag, tag)
        field.tag = tag
    _set(field, call)
    call.note("merge_field", field.id, "update")
    return call.shown(shape(audience, field))


def _move_values(audience: Audience, old: str, new: str) -> None:
    for member in audience.members.values():
        if old in member.merge:
            member.merge = {(new if tag == old else tag): value for tag, value in member.merge.items()}


def delete(call: Call) -> Reply:
    audience, field = call.audience, field_of(call)
    audience.fields.remove(field)
    for member in audience.members.values():
        if field.tag in member.merge:
            member.merge = {tag: value for tag, value in member.merge.items() if tag != field.tag}
    call.note("merge_field", field.id, "delete")
    return NO_CONTENT
