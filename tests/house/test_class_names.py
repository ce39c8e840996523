"""One class name has one meaning: whoever reads `Problem` in one place has not met another one before."""

import ast
from collections import defaultdict

from tests.house.sources import product

# The accident: six classes called `Place` and five called `Step`, and a reader who had the wrong one in mind.
SAME_EVERYWHERE = {
    "ApiContext": "what the handlers of one API share; each service with an API has its own",
    "Body": "the base of what people send to one API; each service with an API has its own",
}


def twins() -> dict[str, list[str]]:
    """The public classes that several modules define."""
    found = defaultdict(list)
    for source in product():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(source.name)
    return {name: sorted(where) for name, where in found.items() if len(where) > 1}


class TestClassNames:
    def test_none_is_given_twice(self) -> None:
        assert {name: where for name, where in twins().items() if name not in SAME_EVERYWHERE} == {}

    def test_no_excuse_is_left_over(self) -> None:
        assert set(SAME_EVERYWHERE) <= set(twins())
