"""Error codes that only the mapper raises."""

from common.codes import Code, register

register(
    Code("MAPPING_BROKEN", "The active mapping version of a sync cannot be compiled by this release.",
         "Apply the sync's file again; the records are kept and mapped as soon as a version compiles.", "owner", True),
)  # fmt: skip
