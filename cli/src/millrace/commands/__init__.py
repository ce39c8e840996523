"""One module per noun, each with a typer `app`; this list is all that the root command knows of them.

A module is imported when its noun is used, so a command pays for its own imports only, and the list of commands for none.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    """A group of commands: `millrace <name> <verb>`, defined in `millrace.commands.<name>`."""

    name: str
    help: str

    @property
    def module(self) -> str:
        return f"millrace.commands.{self.name.replace('-', '_')}"


NOUNS: tuple[Noun, ...] = (
    Noun("activity", "Activity: who subscribed, left or bounced, customer by customer."),
    Noun("channel", "Channels: how vendors call us, and whether they still do."),
    Noun("config", "Settings: what can be set, what is set, whether it would be accepted."),
    Noun("connection", "Connections: accounts at vendors that Millrace may use."),
    Noun("dead-letter", "Dead letters: records that wait for a person, with the reason."),
    Noun("destination", "Destinations: where the daily summary and alerts are sent."),
    Noun("group", "Consumer groups: lag, and moving a stopped group."),
    Noun("keys", "The master keys that the vault is sealed with."),
    Noun("link", "Links: which record of one system is which record of the other."),
    Noun("notification", "Notifications: what stands still or waits for a person."),
    Noun("privacy", "Privacy: what persons ask for, and all that is kept of one."),
    Noun("record", "Records: find one, and read what happened to it."),
    Noun("review", "What people have to decide: who a record is, and which of two values holds."),
    Noun("run", "Runs: what became of the records that entered them."),
    Noun("summary", "The daily summary: what happened to records and money on a day."),
    Noun("sync", "Syncs: what joins a source to a target, and how."),
    Noun("topic", "Topics: what they are, what is on them, what comes."),
)
