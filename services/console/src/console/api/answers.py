"""The refusals of a route, as the OpenAPI document lists them."""

from __future__ import annotations

from typing import Any

from common.api.problems import ProblemAnswer

# Each route can refuse so: no token, a body too large or too late, a request that is none, a fault, a database that is away.
_ALWAYS = (400, 401, 408, 413, 422, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses and those that every route has, each with its problem document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    meanings = {status: {"description": "Problem details.", "content": content} for status in (*_ALWAYS, *statuses)}
    return dict(sorted(meanings.items()))


def with_problem_schema(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document, with the one schema that every refusal points at."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    return document
