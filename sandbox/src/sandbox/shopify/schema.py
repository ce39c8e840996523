"""The schema that calls are held against, built from the tables beside this file."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    Undefined,
)

from sandbox.shopify.schema_calls import ERRORS, INPUTS, MUTATIONS, QUERIES
from sandbox.shopify.schema_types import DISCOUNT, DISCOUNTS, NODES, PAGED, TYPES, UNIONS
from sandbox.shopify.schema_words import ENUMS, SCALARS

FIELD = re.compile(r"(\w+)(?:\(([^)]*)\))?:(\S+)")
ARGUMENT = re.compile(r"(\w+):([^\s=]+)(?:=(\S+))?")
CONSTANTS: dict[str, Any] = {"true": True, "false": False}


def word(text: str | None) -> Any:
    """A default value as the tables write it."""
    if text is None:
        return Undefined
    return CONSTANTS.get(text, int(text) if text.isdigit() else text)


def answer_of(mutation: str) -> str:
    return f"{mutation[0].upper()}{mutation[1:]}Payload"


class Types:
    """Every type by its name, made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {
            plain.name: plain for plain in (GraphQLString, GraphQLInt, GraphQLFloat, GraphQLBoolean, GraphQLID)
        }
        self._objects = dict(TYPES) | DISCOUNTS | dict(self._paged())
        self._objects |= {answer_of(name): self._answer(name) for name in MUTATIONS}
        self._objects["QueryRoot"] = QUERIES
        self._objects["Mutation"] = " ".join(f"{name}({has}):{answer_of(name)}" for name, (has, _) in MUTATIONS.items())

    @staticmethod
    def _paged() -> list[tuple[str, str]]:
        pages = [(f"{name}Connection", f"edges:[{name}Edge!]! nodes:[{name}!]! pageInfo:PageInfo!") for name in PAGED]
        return pages + [(f"{name}Edge", f"cursor:String! node:{name}!") for name in PAGED]

    @staticmethod
    def _answer(mutation: str) -> str:
        return f"{MUTATIONS[mutation][1]} userErrors:[{ERRORS.get(mutation, 'UserError')}!]!"

    def of(self, reference: str) -> Any:
        """What a reference such as `[Order!]!` means."""
        if reference.endswith("!"):
            return GraphQLNonNull(self.of(reference[:-1]))
        if reference.startswith("["):
            return GraphQLList(self.of(reference[1:-1]))
        if reference not in self._made:
            self._made[reference] = self._make(reference)
        return self._made[reference]

    def _make(self, name: str) -> Any:
        if name in ENUMS:
            return GraphQLEnumType(name, {value: value for value in ENUMS[name].split()})
        if name in SCALARS:
            shown, read = SCALARS[name]
            return GraphQLScalarType(name, serialize=shown, parse_value=read)
        if name in INPUTS:
            return GraphQLInputObjectType(name, lambda: self._inputs(INPUTS[name]))
        if name in UNIONS:
            return GraphQLUnionType(name, [self.of(one) for one in UNIONS[name]], resolve_type=typename)
        if name == "Node":
            return GraphQLInterfaceType(name, lambda: self.fields("id:ID!"), resolve_type=typename)
        if name == "DiscountApplication":
            return GraphQLInterfaceType(name, lambda: self.fields(DISCOUNT), resolve_type=typename)
        return GraphQLObjectType(name, lambda: self.fields(self._objects[name]), interfaces=self._interfaces(name))

    def _interfaces(self, name: str) -> list[Any]:
        if name in DISCOUNTS:
            return [self.of("DiscountApplication")]
        return [self.of("Node")] if name in NODES else []

    def fields(self, text: str) -> dict[str, GraphQLField]:
        return {
            name: GraphQLField(self.of(reference), self._arguments(arguments or ""))
            for name, arguments, reference in FIELD.findall(text)
        }

    def _arguments(self, text: str) -> dict[str, GraphQLArgument]:
        return {
            name: GraphQLArgument(self.of(reference), word(default or None), out_name=snake(name))
            for name, reference, default in ARGUMENT.findall(text)
        }

    def _inputs(self, text: str) -> dict[str, GraphQLInputField]:
        return {
            name: GraphQLInputField(self.of(reference), word(default or None), out_name=snake(name))
            for name, reference, default in ARGUMENT.findall(text)
        }


@cache
def snake(name: str) -> str:
    """`totalPriceSet` as `total_price_set`; a digit stays with its word."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


NAMES = {
    "Money": "MoneyV2",
    "Percentage": "PricingPercentageValue",
    "Draft": "DraftOrder",
    "Subscription": "WebhookSubscription",
    "Transaction": "OrderTransaction",
    "Address": "MailingAddress",
    "Variant": "ProductVariant",
}


def typename(value: Any, *_: object) -> str:
    """The vendor's name for what a record is."""
    own: str = getattr(value, "typename", "") or type(value).__name__
    return NAMES.get(own, own)


@cache
def schema() -> GraphQLSchema:
    """The whole schema; made once."""
    types = Types()
    more = [types.of(name) for name in (*NODES, *DISCOUNTS)]
    return GraphQLSchema(types.of("QueryRoot"), types.of("Mutation"), types=more)
