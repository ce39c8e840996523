"""A patch makes the later document of the earlier one, and says no more than that."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.patch import patch

VALUES = st.recursive(
    st.none() | st.integers(-2, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "a/b", "~1", ""]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "a/b", "m~n", ""]), VALUES, max_size=4)


def applied(document: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """What RFC 6902 makes of a document whose lists are taken whole."""
    made = deepcopy(document)
    for step in steps:
        *above, name = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        place: Any = made
        for one in above:
            place = place[one]
        assert (name in place) == (step["op"] != "add")
        if step["op"] == "remove":
            del place[name]
        else:
            place[name] = step["value"]
    return made


@given(DOCUMENTS, DOCUMENTS)
def test_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(before, patch(before, after)) == after


@given(DOCUMENTS)
def test_of_what_is_alike_there_is_none(document: dict[str, Any]) -> None:
    assert patch(document, deepcopy(document)) == []


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["b"]}, [{"op": "replace", "path": "/tags", "value": ["b"]}]),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, [{"op": "remove", "path": "/a/y"}]),
        ({"a/b": 1, "m~n": None}, {"a/b": 2}, [{"op": "replace", "path": "/a~1b", "value": 2}, {"op": "remove", "path": "/m~0n"}]),
    ],
)  # fmt: skip
def test_by_paths(before: dict[str, Any], after: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    assert patch(before, after) == steps
