"""What there is to say of a grant's end, and when."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from token_broker.vault.grant_ends import ending
from token_broker.vault.open_credential import CredentialStatus

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def grant(
    *, idle: float | None = None, of: float = 101, hard: float | None = None, state: str = "active"
) -> CredentialStatus:
    """One whose idle end is so many days away, of as many as its last renewal gave it."""
    told: dict[str, Any] = {one.name: None for one in fields(CredentialStatus)} | {"state": state, "made_at": NOW}
    if idle is not None:
        ends = NOW + timedelta(days=idle)
        told |= {"refresh_expires_at": ends, "refreshed_at": ends - timedelta(days=of)}
    return CredentialStatus(**told | {"grant_ends_at": None if hard is None else NOW + timedelta(days=hard)})


class TestEnding:
    @pytest.mark.parametrize(
        ("hard", "days"), [(400, 0), (90, 0), (89, 90), (31, 90), (29, 30), (8, 30), (6, 7), (0.5, 7), (-1, 7)]
    )
    def test_the_hard_end_is_told_three_times(self, hard: float, days: int) -> None:
        said = ending(grant(hard=hard, idle=min(hard, 101)), NOW)
        assert said.endswith(f"however often it is renewed: less than {days} days are left.") if days else said == ""

    @pytest.mark.parametrize(
        ("idle", "of", "days"),
        [(101, 101, 0), (89, 101, 90), (90, 90, 0), (60, 90, 0), (29, 90, 30), (6, 90, 7), (6, 7, 0)],
    )
    def test_the_idle_end_is_told_once_a_renewal_is_missing(self, idle: float, of: float, days: int) -> None:
        said = ending(grant(idle=idle, of=of, hard=1500), NOW)
        assert said.endswith(f"as it is not renewed: less than {days} days are left.") if days else said == ""

    def test_of_both_the_nearer_one_is_told(self) -> None:
        assert "as it is not renewed: less than 7 days" in ending(grant(idle=5, hard=80), NOW)
        assert "however often it is renewed: less than 30 days" in ending(grant(idle=40, hard=29), NOW)

    def test_nothing_is_told_of_one_without_an_end_and_of_one_that_is_over(self) -> None:
        assert ending(grant(), NOW) == ""
        assert ending(grant(hard=5, state="needs_reauth"), NOW) == ""
