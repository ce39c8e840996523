"""What the simulator answers is a part of what the vendor describes: a query it accepts is one the vendor accepts."""

from __future__ import annotations

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType

from sandbox.shopify.schema import schema
from tests.contract.sandbox.shopify.specs import SPECS, described, reference

pytestmark = pytest.mark.specs


@pytest.mark.parametrize("version", list(SPECS))
class TestSchema:
    def test_is_a_part_of_the_vendors(self, version: str) -> None:
        theirs = described(version)
        strange = []
        for name, kind in schema().type_map.items():
            if name.startswith("__"):
                continue
            their = theirs.get(name)
            if their is None:
                strange.append(name)
                continue
            match kind:
                case GraphQLObjectType() | GraphQLInterfaceType():
                    fields = {one["name"]: one for one in their["fields"]}
                    for field, own in kind.fields.items():
                        if field not in fields or reference(fields[field]["type"]) != str(own.type):
                            strange.append(f"{name}.{field}: {own.type}")
                            continue
                        given = {one["name"]: reference(one["type"]) for one in fields[field]["args"]}
                        strange += [
                            f"{name}.{field}({a})" for a, is_ in own.args.items() if given.get(a) != str(is_.type)
                        ]
                case GraphQLInputObjectType():
                    inputs = {one["name"]: reference(one["type"]) for one in their["inputFields"]}
                    strange += [f"{name}.{f}" for f, own in kind.fields.items() if inputs.get(f) != str(own.type)]
                case GraphQLEnumType():
                    words = {one["name"] for one in their["enumValues"]}
                    strange += [f"{name}.{word}" for word in kind.values if word not in words]
                case GraphQLUnionType():
                    words = {one["name"] for one in their["possibleTypes"]}
                    strange += [f"{name}: {one.name}" for one in kind.types if one.name not in words]
        assert strange == []

    def test_lacks_no_input_that_the_vendor_demands(self, version: str) -> None:
        theirs = described(version)
        lacking = []
        for name, kind in schema().type_map.items():
            if isinstance(kind, GraphQLInputObjectType):
                needed = [one["name"] for one in theirs[name]["inputFields"] if one["type"]["kind"] == "NON_NULL"]
                lacking += [f"{name}.{one}" for one in needed if one not in kind.fields]
        assert lacking == []
