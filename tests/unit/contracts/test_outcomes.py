"""Every reason for which a record is left alone is explained, with a next step."""

from __future__ import annotations

from common.contracts.outcomes import EXPLAINED, SkipReason


def test_every_reason_has_its_meaning_and_a_next_step() -> None:
    assert set(EXPLAINED) == set(SkipReason)
    assert [reason for reason, words in EXPLAINED.items() if not all(text.endswith(".") for text in words)] == []
