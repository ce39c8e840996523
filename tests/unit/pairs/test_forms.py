"""Which forms of a value are known to be the same, and which are not."""

from __future__ import annotations

from typing import Any

import pytest

from common.pairs.forms import explains

LONG = "Wholesale of machine tools and their parts"


class TestAForm:
    @pytest.mark.parametrize(
        ("wanted", "shown"),
        [
            ("ana maria", " Ana  Maria"), ("Ana@Ex.org", "ana@ex.org"), ("+91 (98) 220-12", "0091 9822012"), ("(040) 55/12-3 x 4", "04055123x4"),
            ("98 2201 2345", "+91 9822012345"), ("ﬁn &amp; co", "fin & Co"), ("smile 😀", "smile"), ("an\u200ba", "ana"), ("a\r\nb", "a b"),
            ("https://www.ex.org/", "ex.org"), ("10.50", 10.5), (10, "10.0"), ("2026-05-04", "20260504"), (LONG, LONG[:25]),
            ("Acme", "Acme (ana@ex.org)"), (["b", "A"], ["a", "B"]), ({"city": "Graz", "zip": "8010"}, {"city": "GRAZ"}),
            (None, ""), ("", None), ({}, None), ("", "-"),
        ],
    )  # fmt: skip
    def test_that_is_known(self, wanted: Any, shown: Any) -> None:
        assert explains(wanted, shown)

    @pytest.mark.parametrize(
        ("wanted", "shown"),
        [
            ("Graz", "Linz"), ("Graz", ""), ("Graz", None), ("Maria", "Ma"), ("+91 98 2201", "+91 98 2202"), ("10.50", "10.05"),
            (["a", "b"], ["a"]), ({"city": "Graz", "zip": "8010"}, {"city": "Linz", "zip": "8010"}), ({"city": "Graz"}, None),
            ("Acme", "Acme Ltd"), ("1", True), ("ana.12345@ex.org", "ana12345@ex.org"), ("123456", "99123456"),
        ],
    )  # fmt: skip
    def test_that_is_not(self, wanted: Any, shown: Any) -> None:
        assert not explains(wanted, shown)

    def test_of_nothing_is_a_stand_in_and_never_what_was_there_before(self) -> None:
        assert explains("", "-", "Ana")
        assert not explains("", "Ana", "Ana")
