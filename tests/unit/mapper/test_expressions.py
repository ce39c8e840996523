"""Reading values: the fast path equals the interpreter, and both have bounds."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.mapping.expressions import (
    MAX_EXPRESSION,
    Expression,
    ExpressionExpensive,
    ExpressionInvalid,
    interpreted,
    is_plain,
)

NAMES = st.sampled_from(["a", "b", "billing", "custom", "cf_1", "x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
RECORDS = st.recursive(LEAVES, lambda c: st.dictionaries(NAMES, c, max_size=4) | st.lists(c, max_size=3), max_leaves=12)


class TestExpression:
    @given(st.dictionaries(NAMES, RECORDS, max_size=5), st.lists(NAMES, min_size=1, max_size=4))
    def test_the_fast_path_equals_the_interpreter(self, record: dict[str, object], names: list[str]) -> None:
        text = ".".join(names)
        assert is_plain(text)
        assert Expression(text).read(record) == interpreted(text, record)

    @given(st.text(alphabet=string.printable, max_size=30))
    def test_any_text_is_an_expression_or_said_to_be_none(self, text: str) -> None:
        try:
            expression = Expression(text)
        except ExpressionInvalid as error:
            assert str(error)
        else:
            expression.read({"a": 1})

    @pytest.mark.parametrize("text", ["a.", "[", "a || ", "foo(", "a[?", "@@"])
    def test_says_that_a_text_is_no_expression(self, text: str) -> None:
        with pytest.raises(ExpressionInvalid, match="not JMESPath"):
            Expression(text)

    def test_refuses_an_enormous_expression(self) -> None:
        with pytest.raises(ExpressionInvalid, match="characters"):
            Expression("a" * (MAX_EXPRESSION + 1))
        with pytest.raises(ExpressionInvalid, match="nested deeper"):
            Expression("!" * 200 + "a")

    def test_stops_an_expression_that_works_too_much(self) -> None:
        lists = {"a": [{"b": [{"c": [1] * 30}] * 30}] * 30}
        with pytest.raises(ExpressionExpensive):
            Expression("a[].b[].c[].[@, @, @]").read(lists)

    def test_a_function_on_the_wrong_type_is_no_value(self) -> None:
        assert Expression("length(a)").read({"a": 5}) is None

    @pytest.mark.parametrize(
        ("text", "told", "untold"),
        [
            ("billing.city", {"billing": None}, {"email": "x"}),
            ("lines[].sku", {"lines": []}, {"sku": 1}),
            ("a || b", {"b": 1}, {"c": 1}),
        ],
    )
    def test_knows_whether_the_record_says_anything_of_it(
        self, text: str, told: dict[str, object], untold: dict[str, object]
    ) -> None:
        assert Expression(text).mentions(told)
        assert not Expression(text).mentions(untold)
