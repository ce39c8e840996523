"""What was red, told once more as the last lines: whoever sees only the end of half an hour of output sees which, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

AT_MOST = 8
WIDEST = 300


def told(reports: list[Path]) -> list[str]:
    """Two lines each, of the first few."""
    found = [line for report in reports for line in _of(report)]
    more = len(found) // 2 - AT_MOST
    return [*found[: 2 * AT_MOST], *([f"== and {more} more"] if more > 0 else [])]


def _of(report: Path) -> Iterator[str]:
    """A run that was cut off has written no report."""
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        for red in (*case.findall("failure"), *case.findall("error")):
            yield f"== red: {case.get('classname')}::{case.get('name')} after {float(case.get('time') or 0):.0f} s"
            yield f"   {_why(red)}"


def _why(red: ElementTree.Element) -> str:
    """What pytest says first, and the place where it ended."""
    said = " ".join((red.get("message") or "").split())
    lines = [line for line in (red.text or "").splitlines() if line.strip()]
    return f"{said[:WIDEST]} ({lines[-1].strip()[:WIDEST] if lines else 'no place'})"
