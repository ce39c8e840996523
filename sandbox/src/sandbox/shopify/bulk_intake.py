"""A bulk operation taken in: its query has to be one that can run by itself (sheet, section 2.3)."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

from sandbox.shopify.bulk import BulkOperation
from sandbox.shopify.call import Call, Refusal, number_of
from sandbox.shopify.schema import schema

AT_ONCE = 5
MOST_LISTS = 5
DEEPEST = 2


class Lists(Visitor):
    """Counts the lists of a query, and how deep they lie in each other."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types, self._depth = types, 0
        self.many = self.deepest = 0

    def _is_list(self) -> bool:
        kind = self._types.get_type()
        return kind is not None and get_named_type(kind).name.endswith("Connection")

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if self._is_list():
            self.many, self._depth = self.many + 1, self._depth + 1
            self.deepest = max(self.deepest, self._depth)

    def leave_field(self, node: FieldNode, *_: object) -> None:
        self._depth -= self._is_list()


def begun(call: Call, query: str, *, grouped: bool) -> BulkOperation:
    """Raises Refusal for a query that cannot run by itself, or one too many."""
    document_of(query)
    running = [one for one in call.shop.bulk.values() if one.app == call.caller.app.key and one.runs]
    if len(running) >= AT_ONCE:
        raise Refusal(
            f"A bulk query operation for this app and shop is already in progress: {running[0].id}.",
            code="OPERATION_IN_PROGRESS",
        )
    number = call.shop.new_id()
    made = BulkOperation(number, call.caller.app.key, query, call.now, call.version, grouped, base_url=call.base_url)
    call.shop.bulk[number] = made
    call.note("bulk_operation", number, "create")
    return made


def document_of(query: str) -> DocumentNode:
    try:
        document = parse(query, max_tokens=20_000)
        errors = validate(schema(), document)
    except (GraphQLError, RecursionError) as error:
        raise Refusal(f"Invalid bulk query: {error}", "query", code="INVALID") from error
    if errors:
        raise Refusal(f"Invalid bulk query: {errors[0].message}", "query", code="INVALID")
    types = TypeInfo(schema())
    lists = Lists(types)
    visit(document, TypeInfoVisitor(types, lists))
    if not 1 <= lists.many <= MOST_LISTS or lists.deepest > DEEPEST:
        raise Refusal(
            "Bulk queries must contain one to five connections, two levels deep at most.", "query", code="INVALID"
        )
    return document


def cancelled(call: Call, given: str) -> BulkOperation:
    found = call.shop.bulk.get(number_of(given, "BulkOperation"))
    if found is None or found.app != call.caller.app.key:
        raise Refusal("Bulk operation does not exist", "id")
    if not found.runs:
        raise Refusal("A bulk operation that has ended cannot be canceled", "id")
    found.status, found.completed_at = "CANCELED", call.now
    call.note("bulk_operation", found.number, "update")
    return found
