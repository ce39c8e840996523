"""When a token is renewed: at the vendor's age, up to a minute earlier, never later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.secret import Secret
from token_broker.vault.times import times_of
from vendors.grant import Granted, Renewal
from vendors.zoho.oauth import RENEWAL

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def granted(lives: timedelta | None) -> Granted:
    return Granted(Secret("a"), None, lives, "eu")


class TestTimes:
    def test_zoho_is_renewed_between_54_and_55_minutes(self) -> None:
        earliest = times_of(granted(timedelta(hours=1)), RENEWAL, NOW, lambda low, high: high)
        latest = times_of(granted(timedelta(hours=1)), RENEWAL, NOW, lambda low, high: low)
        assert earliest.refresh_at == NOW + timedelta(minutes=54)
        assert latest.refresh_at == NOW + timedelta(minutes=55)
        assert latest.expires_at == NOW + timedelta(hours=1)

    def test_a_token_that_does_not_expire_is_never_renewed(self) -> None:
        times = times_of(granted(None), None, NOW)
        assert (times.expires_at, times.refresh_at) == (None, None)

    @pytest.mark.parametrize("minutes", [1, 5, 20, 56])
    def test_a_shorter_life_is_renewed_before_its_end(self, minutes: int) -> None:
        renewal = Renewal(timedelta(minutes=55), timedelta(hours=1))
        times = times_of(granted(timedelta(minutes=minutes)), renewal, NOW)
        assert times.expires_at is not None and times.refresh_at is not None
        assert NOW < times.refresh_at < times.expires_at
