"""What a query costs: an object one point, a scalar none, a list by the size that was asked for, a mutation ten."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MUTATION = 10
FREE = frozenset({"edges", "nodes", "pageInfo"})


class Costs:
    """The cost of one operation, before it ran."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> None:
        self._schema, self._variables = schema, variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }

    def requested(self, operation: OperationDefinitionNode) -> int:
        if operation.operation.value == "mutation":
            return MUTATION * len(operation.selection_set.selections)
        return self._set(operation.selection_set, self._schema.query_type)

    def _set(self, selections: SelectionSetNode | None, parent: Any) -> int:
        plain, branches = 0, [0]
        for one in selections.selections if selections else ():
            match one:
                case FieldNode():
                    plain += self._field(one, parent)
                case InlineFragmentNode():
                    kind = self._schema.type_map[one.type_condition.name.value] if one.type_condition else parent
                    cost = self._set(one.selection_set, kind)
                    plain, branches = (plain + cost, branches) if kind is parent else (plain, [*branches, cost])
                case FragmentSpreadNode():
                    fragment = self._fragments[one.name.value]
                    kind = self._schema.type_map[fragment.type_condition.name.value]
                    cost = self._set(fragment.selection_set, kind)
                    plain, branches = (plain + cost, branches) if kind is parent else (plain, [*branches, cost])
        return plain + max(branches)

    def _field(self, node: FieldNode, parent: Any) -> int:
        name = node.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        kind = get_named_type(parent.fields[name].type)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return 0
        inner = self._set(node.selection_set, kind)
        if name in FREE and parent.name.endswith(("Connection", "Edge")):
            return inner if name != "pageInfo" else 0
        if name == "node" and parent.name.endswith("Edge"):
            return 1 + inner
        if kind.name.endswith("Connection"):
            return 2 + self._many(node) * max(1, inner)
        return 1 + inner

    def _many(self, node: FieldNode) -> int:
        """The size asked for, where it stands in the query or in the variables."""
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                match argument.value:
                    case IntValueNode():
                        return int(argument.value.value)
                    case VariableNode():
                        given = self._variables.get(argument.value.name.value)
                        return given if isinstance(given, int) else 1
        return 1
