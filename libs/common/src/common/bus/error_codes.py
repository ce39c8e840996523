"""The error codes that the bus adds to the registry."""

from __future__ import annotations

from typing import Final

from common.codes import Code, register

MESSAGE_UNREADABLE: Final = "MESSAGE_UNREADABLE"
HANDLER_BUG: Final = "HANDLER_BUG"
BROKER_UNAVAILABLE: Final = "BROKER_UNAVAILABLE"
MESSAGE_TOO_LARGE: Final = "MESSAGE_TOO_LARGE"
BROKER_REFUSED: Final = "BROKER_REFUSED"
DATABASE_WENT_BACK: Final = "DATABASE_WENT_BACK"

register(
    Code(
        MESSAGE_TOO_LARGE,
        "A message is larger than Kafka accepts: 3 MiB, or the `max.message.bytes` of its topic.",
        "Look at the record: a field holds far more than a person would type. Shorten it at the source, then retry. `millrace doctor` says "
        "whether the topics of a Kafka of your own take less than they should.",
        "owner",
        True,
    ),
    Code(
        BROKER_REFUSED,
        "Kafka refused a message for good, or the right to send it.",
        "Check that the topics exist (`millrace topic list`) and that this service may write to them.",
        "operator",
        True,
    ),
    Code(
        DATABASE_WENT_BACK,
        "The database says less than Kafka was told: it was put back to an older state, or an older copy took over.",
        'Leave the services as they are and read "The database went back" in docs/operating.md before anything is opened.',
        "operator",
        False,
    ),
)
