"""Tables that open well: with a header, the encoding's mark, and no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.terminal import note


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The whole table."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for one in rows:
        writer.writerow([_cell(one[name]) for name in columns])
    return text.getvalue()


def write_csv(text: str, output: str, what: str) -> None:
    """To a file, or to stdout for `-`."""
    if output == "-":
        sys.stdout.write(text)
        return
    try:
        # With its mark, so that a spreadsheet knows the encoding.
        Path(output).write_text(text, encoding="utf-8-sig", newline="")
    except OSError as refused:
        raise CommandError(f"{output} cannot be written: {refused}.", code=ExitCode.USAGE) from refused
    note(f"{text.count(chr(10)) - 1} {what} written to {output}.")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
