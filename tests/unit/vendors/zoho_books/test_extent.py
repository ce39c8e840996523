"""How long a listing is, by a few of its pages."""

from __future__ import annotations

import pytest

from vendors.zoho_books.extent import MEASURED_AT, Extent

PER_PAGE = 200


def measured(records: int) -> tuple[Extent, int]:
    """What the pages of a listing of so many come to, and how many were asked for."""
    found, calls = Extent(MEASURED_AT), 0
    while (page := found.next()) is not None:
        calls += 1
        rows = max(0, min(PER_PAGE, records - (page - 1) * PER_PAGE))
        found.sees(page, rows, more=records > page * PER_PAGE)
    return found, calls


class TestExtent:
    @pytest.mark.parametrize("records", [12_001, 13_777, 20_000, 23_999, 24_000, 50_000, 99_999, 654_321])
    def test_is_known_within_a_tenth_for_few_calls(self, records: int) -> None:
        found, calls = measured(records)
        assert found.about is not None and abs(found.about / records - 1) <= 0.1
        assert calls <= 6 or calls <= records / PER_PAGE / 50

    def test_is_exact_where_the_last_page_was_met(self) -> None:
        found = Extent(MEASURED_AT)
        found.sees(120, 17, more=False)
        assert (found.next(), found.about) == (None, 119 * PER_PAGE + 17)

    def test_of_a_vendor_that_has_another_page_for_ever_is_unknown(self) -> None:
        found = Extent(MEASURED_AT)
        while (page := found.next()) is not None:
            found.sees(page, PER_PAGE, more=True)
        assert found.about is None
