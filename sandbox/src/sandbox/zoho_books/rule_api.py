"""Workflow rules by API: which changes of a module run which webhook (sheet, section 7).

The shape of an action is what live callers send: `instant_actions: [{"action_type": "webhook", "action_id": ...}]`
with `rule_type` "add_edit"; "add", "edit" and "delete" follow its pattern (README, choices).
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.hook_api import MODULES, SILENT
from sandbox.zoho_books.hooks import RULE_TYPES, Rule
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.switches import WITH_WORKFLOWS
from sandbox.zoho_books.wire import Body, Document

MOST_RULES, MOST_PER_MODULE, HOOKS_PER_RULE = 200, 10, 1
COMPARATORS = frozenset({"and", "or", "any", "except_or", "except_and"})
ACTIONS = frozenset({"alert", "fieldupdate", "webhook", "customfunction", "pushnotification"})


def rule_view(call: Call, rule: Rule) -> Document:
    return {
        "workflow_id": rule.id,
        "workflow_name": rule.name,
        "description": rule.description,
        "entity": rule.entity,
        "rule_type": rule.rule_type,
        "is_active": rule.active,
        "status": "active" if rule.active else "inactive",
        "apply_rule_always": True,
        "field_update": list(rule.watched),
        "field_update_comparator": rule.comparator,
        "instant_actions": list(rule.actions),
        "time_based_actions": [],
        "created_time": call.org.stamp(rule.created),
    }


def list_rules(call: Call) -> Reply:
    rows = [rule_view(call, rule) for rule in call.org.rules.values()]
    return small_page(call, "workflows", "Workflows", rows, "workflow_name")


def _found(call: Call) -> Rule:
    rule = call.org.rules.get(call.ids["workflow_id"])
    if rule is None:
        raise absent("Workflow")
    return rule


def get_rule(call: Call) -> Reply:
    return done("success", workflow=rule_view(call, _found(call)))


def create_rule(call: Call) -> Reply:
    org, body = call.org, call.body()
    if call.switches.plan not in WITH_WORKFLOWS:
        raise Refusal(400, 6018, "You do not have access to this feature in your current plan.")
    for name in ("workflow_name", "rule_type", "entity"):
        body.required(name, 100)
    rule = _filled(call, body, Rule(org.new_id(), "", "invoice", "add_edit", (), call.now))
    same_module = sum(other.entity == rule.entity for other in org.rules.values())
    if len(org.rules) >= MOST_RULES or same_module >= MOST_PER_MODULE:
        raise Refusal(400, 4, f"You cannot create more than {MOST_PER_MODULE} workflow rules for a module.")
    org.rules[rule.id] = rule
    call.wrote("workflow", rule.id, "create")
    return created("The workflow has been created.", workflow=rule_view(call, rule))


def update_rule(call: Call) -> Reply:
    before = _found(call)
    after = _filled(call, call.body(), before)
    call.org.rules[after.id] = after
    call.wrote("workflow", after.id, "update" if after != before else "noop")
    return done("The workflow has been updated.", workflow=rule_view(call, after))


def _filled(call: Call, body: Body, rule: Rule) -> Rule:
    actions = _actions(body) if body.has("instant_actions") else rule.actions
    hook_ids = tuple(str(action["action_id"]) for action in actions if action["action_type"] == "webhook")
    if len(hook_ids) > HOOKS_PER_RULE:
        raise invalid("instant_actions")
    if any(hook_id not in call.org.hooks for hook_id in hook_ids):
        raise absent("Webhook")
    entity = body.choice("entity", frozenset({*MODULES, *SILENT}), rule.entity)
    if any(MODULES.get(call.org.hooks[one].entity) != MODULES.get(entity) for one in hook_ids):
        raise invalid("entity")
    return replace(
        rule,
        name=body.text("workflow_name", rule.name, 100),
        description=body.text("description", rule.description, 1000),
        entity=entity,
        rule_type=body.choice("rule_type", frozenset(RULE_TYPES), rule.rule_type),
        watched=body.words("field_update") if body.has("field_update") else rule.watched,
        comparator=body.choice("field_update_comparator", COMPARATORS, rule.comparator),
        actions=actions,
        hook_ids=hook_ids,
    )


def _actions(body: Body) -> tuple[Document, ...]:
    found = []
    for row in body.rows("instant_actions", 50):
        kind = row.required("action_type")
        if kind not in ACTIONS and not kind.startswith("cac_"):
            raise invalid("action_type")
        if not row.text("action_id"):
            raise missing("action_id")
        found.append({"action_type": kind, "action_id": row.id("action_id")})
    return tuple(found)


def delete_rule(call: Call) -> Reply:
    rule = _found(call)
    del call.org.rules[rule.id]
    call.wrote("workflow", rule.id, "delete")
    return done("The workflow has been deleted.")


def activate_rule(call: Call) -> Reply:
    return _mark(call, active=True)


def deactivate_rule(call: Call) -> Reply:
    return _mark(call, active=False)


def _mark(call: Call, *, active: bool) -> Reply:
    before = _found(call)
    call.org.rules[before.id] = replace(before, active=active)
    call.wrote("workflow", before.id, "update" if before.active != active else "noop")
    return done(f"The workflow has been marked as {'active' if active else 'inactive'}.")
