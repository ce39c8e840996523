"""The codes of summaries, notifications and where they go."""

from __future__ import annotations

from common.codes import Code, register

SUMMARY_HOUR_INVALID = Code(
    "SUMMARY_HOUR_INVALID",
    "The hour of the daily summary is not readable.",
    "Write it with two digits each, as 07:00.",
    "owner",
    False,
)
SUMMARY_ZONE_UNKNOWN = Code(
    "SUMMARY_ZONE_UNKNOWN",
    "The time zone is not known.",
    "Use a name of the IANA list, as Europe/Madrid.",
    "owner",
    False,
)
SUMMARY_NOT_YET = Code(
    "SUMMARY_NOT_YET",
    "Of this day nothing can be told.",
    "Ask for a day that is over, or for today so far.",
    "owner",
    False,
)
DESTINATION_UNKNOWN = Code(
    "DESTINATION_UNKNOWN", "There is no such destination.", "See `millrace destination list`.", "owner", False
)
DESTINATION_INVALID = Code(
    "DESTINATION_INVALID",
    "Nothing can be sent to this address.",
    "Give a mail address, or the https:// address of a webhook without user and password.",
    "owner",
    False,
)
DESTINATION_TAKEN = Code(
    "DESTINATION_TAKEN",
    "This address is a destination already.",
    "Remove it first to change what it is told: `millrace destination remove ADDRESS`.",
    "owner",
    False,
)
DESTINATION_NO_MAIL = Code(
    "DESTINATION_NO_MAIL",
    "This installation sends no mail: it knows no mail server.",
    "Set MILLRACE_SMTP__HOST and MILLRACE_SMTP__SENDER for the console, and start it again.",
    "operator",
    False,
)
DESTINATION_REFUSED = Code(
    "DESTINATION_REFUSED",
    "The destination did not take the sample.",
    "Its own words are in the message; mend what they say and try `millrace destination test` again.",
    "owner",
    True,
)

register(
    SUMMARY_HOUR_INVALID, SUMMARY_ZONE_UNKNOWN, SUMMARY_NOT_YET, DESTINATION_UNKNOWN, DESTINATION_INVALID, DESTINATION_TAKEN,
    DESTINATION_NO_MAIL, DESTINATION_REFUSED,
)  # fmt: skip
