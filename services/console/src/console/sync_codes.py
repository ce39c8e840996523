"""The codes of what can be wrong with a sync."""

from __future__ import annotations

from common.codes import Code, register

SYNC_UNKNOWN = Code(
    "SYNC_UNKNOWN", "There is no sync of this name.", "See `millrace sync list`.", "owner", False
)  # fmt: skip
SYNC_RUN_PENDING = Code(
    "SYNC_RUN_PENDING",
    "A run was asked for while an earlier one has not begun.",
    "Watch the earlier one with `millrace run list`, then ask again.",
    "owner",
    True,
)
SYNC_NOTHING_MISSING = Code(
    "SYNC_NOTHING_MISSING",
    "An answer was given about missing records, and no question is open.",
    "See `millrace sync show NAME`: somebody else may have answered, or a later listing had them.",
    "nobody",
    False,
)
SYNC_NOT_COMPARED = Code(
    "SYNC_NOT_COMPARED",
    "Nothing that the sync writes to can be listed as a whole, so its two sides cannot be compared.",
    "Nothing: records that are edited on both sides are compared with what was agreed whenever one of them changes.",
    "nobody",
    False,
)
SYNC_INVALID = Code(
    "SYNC_INVALID",
    "A sync cannot be made as it was written; every problem is listed, and nothing was written.",
    "Correct the file and apply it again.",
    "owner",
    False,
)
SYNC_CONNECTION_UNKNOWN = Code(
    "SYNC_CONNECTION_UNKNOWN",
    "The sync names a connection that does not exist.",
    "See `millrace connection list`; connect the account with `millrace connection add`, then apply the sync again.",
    "owner",
    True,
)
SYNC_CONNECTION_VENDOR = Code(
    "SYNC_CONNECTION_VENDOR",
    "A connection of the sync belongs to another vendor than the template's.",
    "Name a connection of the template's vendor, or choose another template.",
    "owner",
    False,
)
SYNC_CONNECTION_NOT_READY = Code(
    "SYNC_CONNECTION_NOT_READY",
    "A connection of the sync cannot be used now.",
    "Look at it with `millrace connection show NAME`, reconnect it if it says so, then apply the sync again.",
    "owner",
    True,
)
SYNC_PLACE_UNKNOWN = Code(
    "SYNC_PLACE_UNKNOWN",
    "The account has no such place (audience, list, organisation).",
    "Use the id or the name of one of those that the message lists, then apply the sync again.",
    "owner",
    True,
)
SYNC_FIELD_NOT_CREATED = Code(
    "SYNC_FIELD_NOT_CREATED",
    "A row asks for a new field of the target, and the sync may not create any.",
    "Set `create_fields: true` in the file, or map a field that is there.",
    "owner",
    False,
)
SYNC_FIELD_READ_ONLY = Code(
    "SYNC_FIELD_READ_ONLY",
    "A row writes a field that the target's vendor sets by itself.",
    "Take the row out, or map another field.",
    "owner",
    False,
)
SYNC_OPTION_UNKNOWN = Code(
    "SYNC_OPTION_UNKNOWN",
    "What the leg writes to has no such option.",
    "Use one of the options that the message lists.",
    "owner",
    False,
)
SYNC_LEG_INVALID = Code(
    "SYNC_LEG_INVALID",
    "A leg of the file is not of the form that the documentation shows.",
    "Correct the leg that the message names; docs/syncs.md shows what a leg says.",
    "owner",
    False,
)
SYNC_ENTITY_UNKNOWN = Code(
    "SYNC_ENTITY_UNKNOWN",
    "A leg names records that cannot be read, or cannot be written, at that vendor.",
    "Use one of the entities that the message lists.",
    "owner",
    False,
)
SYNC_MODE_REFUSED = Code(
    "SYNC_MODE_REFUSED",
    "The target does not write these records in the mode that the leg asks for.",
    "Leave `mode` out, or use the one that the message names.",
    "owner",
    False,
)
SYNC_MOVED = Code(
    "SYNC_MOVED",
    "A sync keeps its source, its target, its legs and their places: its links and its history belong to them.",
    "Apply the file under another name, and disable the former sync with `millrace sync disable NAME`.",
    "owner",
    False,
)
SYNC_PAIR_TAKEN = Code(
    "SYNC_PAIR_TAKEN",
    "Another sync keeps the same records of the same two accounts in step both ways.",
    "Map what is missing in that sync, or switch it off first with `millrace sync disable NAME`.",
    "owner",
    False,
)
SYNC_STATE = Code(
    "SYNC_STATE",
    "The sync is not in a state in which this can be done.",
    "Look at it with `millrace sync show NAME`.",
    "owner",
    True,
)
SYNC_VENDOR_AWAY = Code(
    "SYNC_VENDOR_AWAY",
    "The vendor could not be asked, so nothing was written.",
    "Try again; `millrace connection test NAME` tells how the vendor is.",
    "nobody",
    True,
)

register(
    SYNC_UNKNOWN,
    SYNC_RUN_PENDING,
    SYNC_NOTHING_MISSING,
    SYNC_NOT_COMPARED,
    SYNC_INVALID,
    SYNC_CONNECTION_UNKNOWN,
    SYNC_CONNECTION_VENDOR,
    SYNC_CONNECTION_NOT_READY,
    SYNC_PLACE_UNKNOWN,
    SYNC_FIELD_NOT_CREATED,
    SYNC_FIELD_READ_ONLY,
    SYNC_OPTION_UNKNOWN,
    SYNC_LEG_INVALID,
    SYNC_ENTITY_UNKNOWN,
    SYNC_MODE_REFUSED,
    SYNC_MOVED,
    SYNC_PAIR_TAKEN,
    SYNC_STATE,
    SYNC_VENDOR_AWAY,
)
