"""Writes the pages that are made from the code: settings, error codes, skip reasons, metrics, failpoints and `.env.example`.

`python -m millrace.reference` writes them, `--check` says which are out of date; a house test runs the check.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from common import failpoints
from common.codes import CODES
from common.contracts.outcomes import EXPLAINED
from common.metric_register import METRICS
from common.settings_catalogue import env_example, json_schema, markdown
from millrace.settings_classes import CHECKOUT, settings_classes

_REGISTERS = re.compile(r"^from common\.codes import .*\bregister\b", re.MULTILINE)
_MADE = "Made by `python -m millrace.reference` from {source}; do not edit."


def import_registers(checkout: Path = CHECKOUT) -> None:
    """Imports the modules that add error codes: a package registers its codes when it is imported."""
    for path in sorted([*checkout.glob("libs/*/src/**/*.py"), *checkout.glob("services/*/src/**/*.py")]):
        if _REGISTERS.search(path.read_text(encoding="utf-8")):
            source = next(parent for parent in path.parents if parent.name == "src")
            parts = path.relative_to(source).with_suffix("").parts
            importlib.import_module(".".join(part for part in parts if part != "__init__"))


def error_codes() -> str:
    """The table of `common.codes`."""
    import_registers()
    head = "| Code | What it means | What to do | Who | Retry safe |"
    rows = [
        f"| `{code.name}` | {code.meaning} | {code.action} | {code.who} | {'yes' if code.retry_safe else 'no'} |"
        for code in sorted(CODES.values(), key=lambda code: code.name)
    ]
    return _page("Error codes", "`common/codes.py`", head, rows)


def skip_reasons() -> str:
    """The table of `common.contracts.outcomes`."""
    head = "| Reason | What it means | What to do |"
    rows = [f"| `{reason}` | {words.meaning} | {words.next_step} |" for reason, words in EXPLAINED.items()]
    return _page("Why a record is skipped", "`common/contracts/outcomes.py`", head, rows)


def metrics() -> str:
    """The table of the register of metrics."""
    head = "| Metric | Type | Labels | Unit | What it tells |"
    rows = [
        f"| `{metric.name}` | {type(metric).__name__.removesuffix('Metric').lower()} "
        f"| {', '.join(metric.labels)} | {metric.unit} | {metric.meaning} |"
        for metric in METRICS
    ]
    return _page("Metrics", "`common/metric_register.py`", head, rows)


def failpoint_names() -> str:
    """The table of failpoints."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in sorted(failpoints.POINTS.items())]
    return _page("Failpoints", "`common/failpoints.py`", "| Name | What breaks there |", rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes or checks the pages; 1 if a checked page is out of date."""
    parser = argparse.ArgumentParser(prog="python -m millrace.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what is out of date")
    act = _compare if parser.parse_args(arguments).check else _write
    # One after the other: a page that cannot be made must not keep the settings' schema from being written.
    return max([act(name, made()) for name, made in PAGES.items() if out_of_date(name, made())], default=0)


def out_of_date(name: str, text: str, checkout: Path = CHECKOUT) -> bool:
    """Whether a page's file differs from what the code says."""
    path = checkout / name
    return not path.is_file() or path.read_text(encoding="utf-8") != text


def _write(name: str, text: str) -> int:
    path = CHECKOUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    sys.stderr.write(f"written: {name}\n")
    return 0


def _compare(name: str, _: str) -> int:
    sys.stderr.write(f"out of date: {name} (run `python -m millrace.reference`)\n")
    return 1


def _page(title: str, source: str, head: str, rows: Sequence[str]) -> str:
    line = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([f"# {title}", "", _MADE.format(source=source), "", head, line, *rows, ""])


# The text of every page, by its path in the checkout.
PAGES: Mapping[str, Callable[[], str]] = {
    "libs/common/src/common/settings_schema.json": lambda: json.dumps(json_schema(settings_classes()), indent=2) + "\n",
    ".env.example": lambda: env_example(settings_classes()),
    "docs/settings.md": lambda: markdown(settings_classes()),
    "docs/metrics.md": metrics,
    "docs/failpoints.md": failpoint_names,
    "docs/error-codes.md": error_codes,
    "docs/skip-reasons.md": skip_reasons,
}


if __name__ == "__main__":
    raise SystemExit(main())
