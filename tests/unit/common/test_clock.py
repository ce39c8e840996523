"""Business time comes from one clock, which the sandbox may move when every vendor is on this machine."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common import clock as clocks
from common.clock import FixedClock, OffsetClock, SystemClock, clock_for, is_loopback, monotonic


@dataclass
class Place:
    home: Path = Path("/nowhere")
    base_urls: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Ticks:
    """The machine's seconds, at the test's pace."""

    at: float = 1000.0

    def monotonic(self) -> float:
        return self.at


def ahead(clock: OffsetClock) -> float:
    return round((clock.now() - datetime.now(UTC)).total_seconds())


def wait_for_offset(clock: OffsetClock, expected: float) -> None:
    deadline = time.monotonic() + 30
    while ahead(clock) != expected:
        assert time.monotonic() < deadline, f"offset stayed at {ahead(clock)}"
        time.sleep(0.005)


class TestOffsetClock:
    def test_adds_the_seconds_in_the_file_and_follows_changes(self, tmp_path: Path) -> None:
        clock = OffsetClock(tmp_path)
        assert ahead(clock) == 0
        (tmp_path / "clock-offset").write_text("3600.5")
        wait_for_offset(clock, 3600)
        (tmp_path / "clock-offset").write_text("-86400\n")
        wait_for_offset(clock, -86400)
        (tmp_path / "clock-offset").unlink()
        wait_for_offset(clock, 0)

    def test_is_late_by_at_most_fifty_milliseconds_and_does_not_read_the_file_each_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticks = Ticks()
        monkeypatch.setattr(clocks, "time", ticks)
        clock = OffsetClock(tmp_path)
        clock.now()
        (tmp_path / "clock-offset").write_text("100")
        ticks.at += 0.049
        assert ahead(clock) == 0
        ticks.at += 0.002
        assert ahead(clock) == 100

    @pytest.mark.parametrize("torn", ["", "12e", "nan", "inf", "1e300", "soon"])
    def test_keeps_the_last_good_offset_when_the_file_is_torn(self, tmp_path: Path, torn: str) -> None:
        path = tmp_path / "clock-offset"
        path.write_text("50")
        clock = OffsetClock(tmp_path)
        wait_for_offset(clock, 50)
        path.write_text(torn)
        os.utime(path, ns=(1, 1))
        time.sleep(0.06)
        assert ahead(clock) == 50


class TestClockFor:
    @pytest.mark.parametrize(
        ("urls", "moved"),
        [
            ({}, False),
            ({"zoho": "http://127.0.0.1:9/zoho"}, True),
            ({"zoho": "http://127.0.0.1:9", "mailchimp": "http://localhost:9"}, True),
            ({"zoho": "http://[::1]:9"}, True),
            ({"zoho": "http://127.0.0.1:9", "mailchimp": "https://api.mailchimp.com"}, False),
            ({"zoho": "https://127.0.0.1.evil.example"}, False),
            ({"zoho": "http://sandbox:9"}, False),
        ],
    )
    def test_moves_only_when_every_vendor_is_on_this_machine(self, urls: dict[str, str], moved: bool) -> None:
        clock = clock_for(Place(base_urls=urls))
        assert isinstance(clock, OffsetClock if moved else SystemClock)

    @pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://0.0.0.0", "http://10.0.0.1"])
    def test_takes_nothing_else_for_this_machine(self, url: str) -> None:
        assert not is_loopback(url)


class TestFixedClock:
    def test_stands_until_it_is_moved(self) -> None:
        clock = FixedClock(datetime(2026, 2, 3, tzinfo=UTC))
        assert clock.now() == clock.now() == datetime(2026, 2, 3, tzinfo=UTC)
        clock.advance(90)
        assert clock.now() == datetime(2026, 2, 3, 0, 1, 30, tzinfo=UTC)
        clock.set(datetime(2027, 1, 1, tzinfo=UTC))
        assert clock.now().year == 2027

    def test_refuses_a_naive_time(self) -> None:
        with pytest.raises(ValueError, match="aware"):
            FixedClock(datetime(2026, 1, 1))

    def test_every_clock_tells_aware_utc(self, tmp_path: Path) -> None:
        for clock in (SystemClock(), OffsetClock(tmp_path), FixedClock()):
            assert clock.now().utcoffset() == timedelta(0)
        assert monotonic() <= monotonic()
