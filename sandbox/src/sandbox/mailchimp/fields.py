"""`fields` and `exclude_fields`: dot-notation projections of an answer, never both at once."""

from __future__ import annotations

from sandbox.mailchimp.problems import bad_request

Tree = dict[str, "Tree"]


def tree_of(dotted: str) -> Tree:
    """ "members.id,members.status" as nested names; an empty branch means all below it."""
    root: Tree = {}
    for path in filter(None, (part.strip() for part in dotted.split(","))):
        branch = root
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return root


def project(document: object, fields: str | None, exclude: str | None) -> object:
    if fields and exclude:
        raise bad_request("The fields and exclude_fields parameters are mutually exclusive.")
    if fields:
        return kept(document, tree_of(fields))
    return without(document, tree_of(exclude)) if exclude else document


def kept(value: object, tree: Tree) -> object:
    if not tree:
        return value
    if isinstance(value, list):
        return [kept(item, tree) for item in value]
    if isinstance(value, dict):
        return {name: kept(value[name], below) for name, below in tree.items() if name in value}
    return value


def without(value: object, tree: Tree) -> object:
    if isinstance(value, list):
        return [without(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without(item, tree[name]) if tree.get(name) else item
        for name, item in value.items()
        if name not in tree or tree[name]
    }
