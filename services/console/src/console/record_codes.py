"""The codes of looking for runs and records, of dead letters and of consumer groups."""

from __future__ import annotations

from common.codes import Code, register

RECORD_UNKNOWN = Code(
    "RECORD_UNKNOWN",
    "No record has this address, id, key or trace.",
    "Look by the source's id or the e-mail address that it has now; `millrace sync history NAME` tells what was read.",
    "owner",
    True,
)
CUSTOMER_NOT_ONE = Code(
    "CUSTOMER_NOT_ONE",
    "Several records have this id, in several connections or of several kinds.",
    "Name the connection, and the kind if need be: `?connection=NAME&entity=customer`.",
    "owner",
    True,
)
RUN_UNKNOWN = Code(
    "RUN_UNKNOWN",
    "There is no run of this id, or it is older than what is kept.",
    "See `millrace run list` and `millrace sync history NAME`.",
    "owner",
    False,
)
LETTER_UNKNOWN = Code(
    "LETTER_UNKNOWN",
    "There is no dead letter of this id, or it is closed.",
    "See `millrace dead-letter list`.",
    "operator",
    False,
)
LETTERS_NOT_NAMED = Code(
    "LETTERS_NOT_NAMED",
    "It was not said which dead letters are meant.",
    "Name ids, or a group with --group.",
    "operator",
    False,
)
REASON_MISSING = Code(
    "REASON_MISSING",
    "Giving records up needs a reason: it stands in their timelines.",
    "Add --reason.",
    "operator",
    False,
)
GROUP_UNKNOWN = Code(
    "GROUP_UNKNOWN",
    "Kafka knows no consumer group or topic of this name.",
    "See `millrace group list` and `millrace topic list`.",
    "operator",
    True,
)
GROUP_ACTIVE = Code(
    "GROUP_ACTIVE",
    "The consumer group has active members, so its offsets cannot be moved.",
    "Stop the service that the members belong to, wait until the group is empty, then repeat.",
    "operator",
    True,
)

register(
    RUN_UNKNOWN,
    RECORD_UNKNOWN,
    CUSTOMER_NOT_ONE,
    LETTER_UNKNOWN,
    LETTERS_NOT_NAMED,
    REASON_MISSING,
    GROUP_UNKNOWN,
    GROUP_ACTIVE,
)
