"""The codes of links."""

from __future__ import annotations

from common.codes import Code, register

LINK_UNKNOWN = Code("LINK_UNKNOWN", "There is no link of this id.", "See `millrace link list`.", "operator", False)
LINK_BUSY = Code(
    "LINK_BUSY",
    "The record of this link is being written for the first time, so nobody knows yet whether it is there.",
    "Repeat it in a minute; `millrace record timeline` tells what it waits for.",
    "operator",
    True,
)
LINKS_INVALID = Code(
    "LINKS_INVALID",
    "Links cannot be made as they were given; every problem is listed with its line, and nothing was written.",
    "Correct these lines and import the file again; `--dry-run` checks it without writing.",
    "operator",
    False,
)
LINK_FIELD_MISSING = Code(
    "LINK_FIELD_MISSING",
    "A link does not say which two records it joins.",
    "Give each side its account, its entity and an id or a key; `millrace link export` shows the form.",
    "operator",
    False,
)
LINK_FIELD_INVALID = Code(
    "LINK_FIELD_INVALID",
    "A value of a link is not of its form.",
    "Correct the value; `millrace link export` shows the form.",
    "operator",
    False,
)
LINK_ACCOUNT_UNKNOWN = Code(
    "LINK_ACCOUNT_UNKNOWN",
    "No connection of this installation opens this account.",
    "Connect the account first (`millrace connection add`), or correct the column; a connection's name will do.",
    "operator",
    True,
)
LINK_TWICE = Code(
    "LINK_TWICE",
    "Two lines say something about one record.",
    "Keep the one that is right.",
    "operator",
    False,
)
LINK_TAKEN = Code(
    "LINK_TAKEN",
    "The record has another counterpart there already.",
    "Take that link away first with `millrace link remove`, or leave this line out.",
    "operator",
    False,
)

QUESTION_UNKNOWN = Code(
    "QUESTION_UNKNOWN",
    "There is no such question, or it has been answered, or the values have changed since.",
    "See `millrace review list`.",
    "operator",
    False,
)

ANSWER_UNKNOWN = Code(
    "ANSWER_UNKNOWN",
    "The question has no such answer.",
    "`millrace review show ID` names its answers.",
    "operator",
    False,
)

register(
    QUESTION_UNKNOWN, ANSWER_UNKNOWN, LINK_UNKNOWN, LINK_BUSY, LINKS_INVALID, LINK_FIELD_MISSING, LINK_FIELD_INVALID, LINK_ACCOUNT_UNKNOWN,
    LINK_TWICE, LINK_TAKEN,
)  # fmt: skip
