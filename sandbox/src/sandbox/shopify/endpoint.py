"""The GraphQL address: a query held against the schema, paid for, run (sheet, section 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    parse,
    validate,
)

from sandbox.shopify.bucket import Bucket
from sandbox.shopify.call import Call, Document
from sandbox.shopify.costs import MUTATION, Costs
from sandbox.shopify.reading import Queries
from sandbox.shopify.resolving import Reader
from sandbox.shopify.schema import schema
from sandbox.shopify.writing import Mutations

MANUAL = "https://shopify.dev/api/usage/rate-limits"
LONGEST = 100_000
READER = Reader()


class BadRequest(ValueError):
    """A body that is no GraphQL request at all: HTTP 400."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation with its variables."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]

    @property
    def mutates(self) -> bool:
        return self.operation.operation is OperationType.MUTATION


def answered(call: Call, body: bytes) -> Document:
    """The document that goes back, with HTTP 200 whatever it says; raises BadRequest."""
    query, variables, name = request_of(body)
    document, errors = checked(query)
    if document is None or errors:
        return {"errors": [shown(error) for error in errors]}
    operation = operation_of(document, name)
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    return paid(call, Asked(document, operation, variables))


def request_of(body: bytes) -> tuple[str, dict[str, Any], str | None]:
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as trouble:
        raise BadRequest("the body is no JSON") from trouble
    query = found.get("query") if isinstance(found, dict) else None
    if not isinstance(query, str) or len(query) > LONGEST:
        raise BadRequest("Required parameter missing or invalid")
    variables, name = found.get("variables") or {}, found.get("operationName")
    if isinstance(variables, str):
        variables = request_variables(variables)
    if not isinstance(variables, dict) or not (name is None or isinstance(name, str)):
        raise BadRequest("variables is an object, operationName a text")
    return query, variables, name


def request_variables(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as trouble:
        raise BadRequest("variables is an object") from trouble


@lru_cache(maxsize=500)
def checked(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The query as a document, or why it is none."""
    try:
        document = parse(query, max_tokens=20_000)
    except GraphQLError as error:
        return None, (error,)
    except RecursionError:
        return None, (GraphQLError("The query is nested too deep"),)
    return document, tuple(validate(schema(), document))


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in found if name is None or (one.name is not None and one.name.value == name)]
    return named[0] if len(named) == 1 else None


def paid(call: Call, asked: Asked) -> Document:
    """Run it if the bucket holds what it may cost; what it did not cost is not taken."""
    switches, now = call.world.switches, call.now.timestamp()
    restore, most = switches.bucket
    bucket = call.shop.buckets.setdefault(call.caller.app.key, Bucket())
    left = bucket.available(now, restore, most)
    wanted = Costs(schema(), asked.document, asked.variables).requested(asked.operation)
    if not call.caller.operator:
        if wanted > switches.most_points:
            return {"errors": [too_dear(wanted, switches.most_points)]}
        if wanted > left:
            return throttled(wanted, int(left), restore, most)
    answer = run(call, asked)
    actual = (
        MUTATION * len(asked.operation.selection_set.selections)
        if asked.mutates
        else min(wanted, spent(list((answer.get("data") or {}).values())))
    )
    if not call.caller.operator:
        bucket.take(actual)
    answer["extensions"] = {"cost": cost(wanted, actual, int(bucket.left), restore, most)}
    if call.warnings:
        answer["extensions"]["search"] = call.warnings
    return answer


def run(call: Call, asked: Asked) -> Document:
    root: object = Mutations() if asked.mutates else Queries()
    name = asked.operation.name.value if asked.operation.name else None
    done = execute_sync(schema(), asked.document, root, call, asked.variables, name, field_resolver=READER.resolve)
    answer: Document = {"data": done.data}
    if done.errors:
        unforeseen(done.errors)
        answer["errors"] = [shown(error) for error in done.errors]
    return answer


def unforeseen(errors: list[GraphQLError]) -> None:
    """What no vendor's rule explains is a fault of the simulator, and is seen as one."""
    for error in errors:
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error


def cost(wanted: int, actual: int | None, left: int, restore: int, most: int) -> Document:
    status = {"maximumAvailable": float(most), "currentlyAvailable": left, "restoreRate": float(restore)}
    return {"requestedQueryCost": wanted, "actualQueryCost": actual, "throttleStatus": status}


def throttled(wanted: int, left: int, restore: int, most: int) -> Document:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": MANUAL}}
    return {"errors": [error], "extensions": {"cost": cost(wanted, None, left, restore, most)}}


def too_dear(wanted: int, most: int) -> Document:
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": wanted, "maxCost": most, "documentation": MANUAL}
    return {
        "message": f"Query cost is {wanted}, which exceeds the single query max cost limit ({most}).",
        "extensions": extensions,
    }


def spent(data: Any) -> int:
    """What an answer cost: its objects, and two for each list."""
    if isinstance(data, list):
        return sum(spent(one) for one in data)
    if not isinstance(data, dict):
        return 0
    cost_of_list = 2 if "nodes" in data or "edges" in data else 0
    own = 0 if {"nodes", "edges", "pageInfo", "cursor"} & set(data) else 1
    inner = sum(spent(value) for name, value in data.items() if name != "pageInfo")
    return own + cost_of_list + inner


def shown(error: GraphQLError) -> Document:
    """An error as the vendor words those that clients meet; others as they are."""
    told: Document = dict(error.formatted)
    text = told["message"]
    if text.startswith("Cannot query field "):
        _, field, _, kind, *_ = text.split("'")
        told["message"] = f"Field '{field}' doesn't exist on type '{kind}'"
        told["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    return told
