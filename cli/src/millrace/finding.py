"""The one record that somebody means by what they have at hand."""

from __future__ import annotations

from typing import Any

from millrace.api_client import ApiClient
from millrace.errors import CommandError
from millrace.exit_codes import ExitCode


def one_record(client: ApiClient, text: str) -> Any:
    """That record; an error with a remedy where it is none or several."""
    found = client.get("/records", q=text)["items"]
    if not found:
        raise no_record(text)
    if len(found) > 1:
        named = ", ".join(f"{one['record']} ({one['connection_name']})" for one in found[:10])
        raise CommandError(
            f"{text} leads to {len(found)} records: {named}.", "Repeat it with one of these ids.", ExitCode.CONFLICT
        )
    return found[0]


def no_record(text: str) -> CommandError:
    return CommandError(
        f"No record is known by {text}.",
        "Try the source's id or the address that it has now; `millrace sync list` tells whether its sync runs.",
        ExitCode.NOT_FOUND,
    )
