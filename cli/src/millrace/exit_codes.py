"""What the command's exit code tells a script; printed by `millrace help exit-codes`."""

from enum import IntEnum


class ExitCode(IntEnum):
    """One number for each way a command can end."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    SOME_FAILED = 6
    UNREACHABLE = 7
    TIMED_OUT = 8
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; `millrace status`: something is not ready",
    ExitCode.USAGE: "wrong usage or a wrong setting",
    ExitCode.NOT_FOUND: "not found; `millrace status`: nothing runs",
    ExitCode.NOT_ALLOWED: "not signed in, or not allowed",
    ExitCode.CONFLICT: "conflict: another command is at work, a group is active, a version is stale",
    ExitCode.SOME_FAILED: "finished, but some records failed",
    ExitCode.UNREACHABLE: "a dependency or a vendor cannot be reached",
    ExitCode.TIMED_OUT: "timed out waiting; the work goes on",
    ExitCode.INTERRUPTED: "interrupted",
}

SERVICE_MEANINGS: dict[int, str] = {
    0: "clean stop",
    75: "temporary failure at start; try again",
    78: "bad configuration",
}
