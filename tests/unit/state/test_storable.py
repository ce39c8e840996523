"""What PostgreSQL cannot store is replaced visibly, everything else stays as it is."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.state.storable import storable_json, storable_text

TEXT = st.text(st.characters())  # surrogates and U+0000 included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class TestStorableText:
    @given(TEXT)
    def test_is_utf8_without_nul_and_of_the_same_length(self, text: str) -> None:
        kept = storable_text(text)
        assert "\0" not in kept
        assert len(kept) == len(text)
        kept.encode()

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_leaves_ordinary_text_alone(self, text: str) -> None:
        assert storable_text(text) == text


class TestStorableJson:
    @given(JSON)
    def test_never_holds_an_escaped_nul_or_a_surrogate(self, value: object) -> None:
        decoded = orjson.loads(storable_json(value))
        assert "\0" not in str(decoded)

    def test_replaces_in_keys_and_values(self) -> None:
        encoded = storable_json({"a\0": ["x\ud800y", {"deep": "\0"}]})
        assert orjson.loads(encoded) == {"a\ufffd": ["x\ufffdy", {"deep": "\ufffd"}]}

    def test_keeps_a_backslash_before_u0000(self) -> None:
        assert orjson.loads(storable_json("\\u0000")) == "\\u0000"

    def test_writes_money_as_a_string(self) -> None:
        assert storable_json({"total": Decimal("10.10")}) == b'{"total":"10.10"}'

    def test_refuses_what_has_no_json_form(self) -> None:
        with pytest.raises(TypeError):
            storable_json({"x": object()})
