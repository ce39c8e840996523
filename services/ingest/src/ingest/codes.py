"""Error codes that only ingest raises."""

from common.codes import Code, register

QUOTA_MONTH_LOW = Code(
    "QUOTA_MONTH_LOW",
    "The calls that a vendor gives for this month will not last, or are nearly used up.",
    "See `millrace connection quota NAME`. Let accounts be looked at more seldom, pause what can wait, or get more calls from the vendor; when none"
    " are left, work waits for the next month and nothing is lost.",
    "owner",
    True,
)

register(
    QUOTA_MONTH_LOW,
    Code("WEBHOOK_UNVERIFIED", "A webhook's signature does not fit any secret of its connection.",
         "If it repeats, rotate the webhook's secret; the bytes are kept in quarantine and were not processed.", "owner", False),
    Code("WEBHOOK_UNKNOWN", "A webhook names a connection that does not exist here.",
         "Remove the webhook at the vendor.", "owner", False),
    Code("WEBHOOK_TOO_LARGE", "A webhook's body is larger than the gateway keeps; its first part is in quarantine.",
         "Make the vendor send less: fewer fields, fewer records at a time. If the body is smaller than 2 MiB, raise MILLRACE_WEBHOOK_MAX_BYTES "
         "and look at `millrace doctor`: a Kafka of your own may take less.", "operator", False),
    Code("WEBHOOK_TOO_SLOW", "A webhook's body did not arrive in time.",
         "Nothing: the vendor sends it again.", "nobody", True),
    Code("WEBHOOK_NOT_KEPT", "A webhook could not be made durable in time, so it was not accepted.",
         "Check `millrace status`: the vendor sends it again.", "operator", True),
)  # fmt: skip
