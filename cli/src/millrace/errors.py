"""The one error that commands show to people: what happened, what to do, and the exit code."""

from millrace.exit_codes import ExitCode


class CommandError(Exception):
    """A failure with its own sentence, a remedy, and an exit code."""

    def __init__(self, message: str, remedy: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code
