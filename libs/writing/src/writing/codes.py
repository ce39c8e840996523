"""Error codes that only the writers raise."""

from common.codes import Code, register

LEASE_LOST = Code(
    "LEASE_LOST",
    "A call was stopped before it was sent: another executor has taken the record over meanwhile.",
    "Nothing: the other executor goes on with it.",
    "nobody",
    True,
)
ATTEMPTS_EXHAUSTED = Code(
    "ATTEMPTS_EXHAUSTED",
    "A record was tried as often as the schedule allows and is parked.",
    "Look at its last failure with `millrace dead-letter show`, repair the cause, then retry.",
    "operator",
    True,
)
EXECUTOR_GONE = Code(
    "EXECUTOR_GONE",
    "The process that worked on the record ended or lost the database, again and again.",
    "Look at the writer's log for the reason it ended; then retry.",
    "operator",
    True,
)
BEHIND_GATE = Code(
    "BEHIND_GATE",
    "A record was not tried, because a gate in front of it had just closed.",
    "Nothing: it goes on when the gate opens; `millrace connection show NAME` names the reason.",
    "nobody",
    True,
)
VENDOR_CODE_FAILED = Code(
    "VENDOR_CODE_FAILED",
    "Our code for this vendor broke on a record or on an answer.",
    "Report it with the trace id; other records go on. Retry once it is mended.",
    "developer",
    True,
)
TARGET_ENTITY_UNKNOWN = Code(
    "TARGET_ENTITY_UNKNOWN",
    "A command asks for a kind of record that its vendor has no target for.",
    "Look at which release published it: a writer that is older than the mapper does not know a new kind yet. Bring both to one "
    "release, then retry.",
    "operator",
    True,
)

DEFERRED_UNTOLD = Code(
    "DEFERRED_UNTOLD",
    "The vendor does not tell what came of a call that it was to carry out later.",
    "Nothing: each of its records is looked at, and what is not there is sent again.",
    "nobody",
    True,
)
WAITS_FOR_RECORD = Code(
    "WAITS_FOR_RECORD",
    "A record needs another one that is not at the target yet; it waits, and goes on by itself.",
    "Nothing, unless its message says that the other record failed or is skipped: then mend that one.",
    "nobody",
    True,
)

register(
    DEFERRED_UNTOLD,
    WAITS_FOR_RECORD,
    LEASE_LOST,
    ATTEMPTS_EXHAUSTED,
    EXECUTOR_GONE,
    BEHIND_GATE,
    VENDOR_CODE_FAILED,
    TARGET_ENTITY_UNKNOWN,
)
