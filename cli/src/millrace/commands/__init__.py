"""One module per noun, each with a typer `app`; this list is all that the root command knows of them.

A module is imported when its noun is used, so a command pays for its own imports only.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    """A group of commands: `millrace <name> <verb>`, defined in `millrace.commands.<name>`."""

    name: str

    @property
    def module(self) -> str:
        return f"millrace.commands.{self.name.replace('-', '_')}"


NOUNS: tuple[Noun, ...] = (
    Noun("config"),
    Noun("connection"),
    Noun("dead-letter"),
    Noun("group"),
    Noun("keys"),
    Noun("link"),
    Noun("record"),
    Noun("run"),
    Noun("sync"),
    Noun("topic"),
)
