"""`/batches` and `/batch-webhooks`: handing in operations, asking for their state, fetching the results."""

from __future__ import annotations

from sandbox.mailchimp import paging
from sandbox.mailchimp.account import Account
from sandbox.mailchimp.batch import ADDRESS_VALID_S, Batch, BatchHook, Operation, ticket, unfinished
from sandbox.mailchimp.bodies import Document, Rule, check, faults, flag, nested, rows, text
from sandbox.mailchimp.call import NO_CONTENT, Call, Reply, Sendable
from sandbox.mailchimp.hook_forms import encoded
from sandbox.mailchimp.member import iso
from sandbox.mailchimp.problems import FieldError, Problem, invalid_fields, not_found
from sandbox.mailchimp.webhooks import web_address

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATION_RULES = {
    "method": Rule(required=True, choices=METHODS),
    "path": Rule(required=True),
    "operation_id": Rule(),
    "params": Rule("object"),
}


def create(call: Call) -> Reply:
    """Hand in operations. A body that is an object instead of a text only fails when its operation runs."""
    check(call.body, {"operations": Rule("array", required=True)})
    operations = [_operation(at, row) for at, row in enumerate(rows(call.body, "operations"))]
    if not operations:
        raise invalid_fields([FieldError("operations", "This value should not be blank.")])
    allowed = call.switches.pending_batches
    if unfinished(list(call.account.batches.values())) >= allowed:
        raise Problem(429, "Too Many Requests", f"You have more than {allowed} pending batches.")
    made = Batch(call.account.new_id("batch"), call.now, call.base_url, operations)
    call.account.batches[made.id] = made
    call.note("batch", made.id, "create")
    return call.shown(shape(call.account, made, call.now, call.base_url))


def _operation(at: int, row: object) -> Operation:
    body: Document = row if isinstance(row, dict) else {}
    errors = faults(body, OPERATION_RULES, f"operations.item:{at}.")
    if errors:
        raise invalid_fields(errors)
    query = {name: _param(value) for name, value in nested(body, "params").items()}
    return Operation(text(body, "method"), text(body, "path"), text(body, "operation_id"), body.get("body", ""), query)


def _param(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def shape(account: Account, batch: Batch, now: float, base_url: str) -> dict[str, object]:
    return {
        "id": batch.id,
        "status": batch.stage,
        "total_operations": batch.total,
        "finished_operations": batch.finished,
        "errored_operations": batch.errored,
        "submitted_at": iso(int(batch.submitted_at)),
        "completed_at": iso(int(batch.completed_at)),
        "response_body_url": result_url(account, batch, now, base_url) if batch.stage == "finished" else "",
    }


def result_url(account: Account, batch: Batch, now: float, base_url: str) -> str:
    """Good for ten minutes; asking for the batch again gives a fresh one."""
    expires = int(now) + ADDRESS_VALID_S
    signature = ticket(batch.id, account.api_key, expires)
    path = f"/mailchimp/results/{account.name}/{batch.id}-response.tar.gz"
    return f"{base_url}{path}?Expires={expires}&Signature={signature}"


def batch_of(call: Call) -> Batch:
    found = call.account.batches.get(call.params["batch_id"])
    if found is None:
        raise not_found()
    return found


def get(call: Call) -> Reply:
    return call.shown(shape(call.account, batch_of(call), call.now, call.base_url))


def page(call: Call) -> Reply:
    found = list(call.account.batches.values())
    shown = [
        shape(call.account, batch, call.now, call.base_url)
        for batch in paging.page(found, call.query, everything=call.in_batch)
    ]
    return call.shown({"batches": shown, "total_items": len(found)})


def delete(call: Call) -> Reply:
    """Stop a batch: what has not run will not run, the results are gone."""
    batch = batch_of(call)
    del call.account.batches[batch.id]
    call.note("batch", batch.id, "delete")
    return NO_CONTENT


def finished_message(account: Account, batch: Batch, hook: BatchHook, now: int) -> Sendable:
    """What a batch webhook is told."""
    shown = {name: str(value) for name, value in shape(account, batch, now, batch.base_url).items()}
    body = encoded("batch_operation_completed", now, shown)
    return Sendable(hook.id, hook.url, body, "batch_operation_completed", "batch")


def hook_of(call: Call) -> BatchHook:
    found = call.account.batch_hooks.get(call.params["batch_webhook_id"])
    if found is None:
        raise not_found()
    return found


def hook_shape(hook: BatchHook) -> dict[str, object]:
    return {"id": hook.id, "url": hook.url, "enabled": hook.enabled}


def hooks(call: Call) -> Reply:
    found = list(call.account.batch_hooks.values())
    shown = [hook_shape(hook) for hook in paging.page(found, call.query, everything=call.in_batch)]
    return call.shown({"webhooks": shown, "total_items": len(found)})


def create_hook(call: Call) -> Reply:
    _check_hook(call, Rule(required=True))
    made = BatchHook(
        call.account.new_id("batch-hook"), text(call.body, "url"), flag(call.body, "enabled", default=True)
    )
    call.account.batch_hooks[made.id] = made
    call.note("batch_webhook", made.id, "create")
    return call.shown(hook_shape(made))


def _check_hook(call: Call, url: Rule) -> None:
    check(call.body, {"url": url, "enabled": Rule("boolean")})
    if "url" in call.body and not (web_address(text(call.body, "url")) and call.reachable):
        raise invalid_fields([FieldError("url", "We couldn't validate the URL: it must answer GET with 200.")])


def get_hook(call: Call) -> Reply:
    return call.shown(hook_shape(hook_of(call)))


def change_hook(call: Call) -> Reply:
    hook = hook_of(call)
    _check_hook(call, Rule())
    hook.url = text(call.body, "url", hook.url)
    hook.enabled = flag(call.body, "enabled", default=hook.enabled)
    call.note("batch_webhook", hook.id, "update")
    return call.shown(hook_shape(hook))


def delete_hook(call: Call) -> Reply:
    hook = hook_of(call)
    del call.account.batch_hooks[hook.id]
    call.note("batch_webhook", hook.id, "delete")
    return NO_CONTENT
