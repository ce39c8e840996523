"""The command line's way to the console's API: where it is, the token, and every refusal as an error with its next step.

Without --context it is the local stack's console, found by its folder. A context is a table of `~/.config/millrace/config.toml`:

    [contexts.production]
    url = "https://millrace.example.org"
    token_file = "~/.config/millrace/production.token"
"""

from __future__ import annotations

import getpass
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.home import Home
from millrace.stack.status import fact_of

TOKEN_FILE = "console-api.token"  # noqa: S105
PREFIX = "/api/v1"
_PATIENCE_S = 60.0
_TRIES = 3
_CODES = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    422: ExitCode.USAGE,
    428: ExitCode.CONFLICT,
    503: ExitCode.UNREACHABLE,
}


@dataclass(frozen=True)
class ConsoleAddress:
    """Where a console is, and what it asks to be shown."""

    url: str
    token: str = field(repr=False)


class RefusedByConsole(CommandError):
    """The console said no, with a code of the documentation's table."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        name = str(problem.get("code", ""))
        detail = str(problem.get("detail") or problem.get("title") or f"The console answered {status}.")
        number = f" Request id: {problem['request_id']}." if status >= 500 and problem.get("request_id") else ""
        super().__init__(f"{detail} [{name}]" if name else detail, str(problem.get("action", "")) + number)
        self.code = _CODES.get(status, ExitCode.FAILED)
        self.status = status
        self.name = name
        self.problem = problem


class ApiClient:
    """One command's conversation with the console."""

    def __init__(self, address: ConsoleAddress, *, transport: httpx.BaseTransport | None = None) -> None:
        self._address = address
        headers = {"authorization": f"Bearer {address.token}", "millrace-actor": _person()}
        self._client = httpx.Client(
            base_url=address.url + PREFIX, headers=headers, timeout=_PATIENCE_S, trust_env=False, transport=transport
        )

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: object) -> Any:
        """A document."""
        said = {name: value for name, value in query.items() if value not in (None, "", [])}
        asked = {name: value if isinstance(value, list) else str(value) for name, value in said.items()}
        return self._send("GET", path, params=asked).json()

    def items(self, path: str, **query: object) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor = ""
        while True:
            page = self.get(path, **query, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                return

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """A wish; repeated with the same key when nobody knows whether it arrived."""
        return self._write("POST", path, body).json()

    def patch(self, path: str, body: Mapping[str, object], etag: str) -> Any:
        """A change of what was read with this ETag."""
        return self._write("PATCH", path, body, {"if-match": etag}).json()

    def delete(self, path: str) -> Any:
        return self._write("DELETE", path, None).json()

    def etag(self, path: str) -> str:
        """The version of a document as it is now."""
        return str(self._send("GET", path).headers.get("etag", ""))

    def _write(
        self, method: str, path: str, body: Mapping[str, object] | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"idempotency-key": uuid.uuid4().hex, **(more or {})}
        return self._send(method, path, json=body, headers=headers)

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        for left in range(_TRIES - 1, -1, -1):
            try:
                answer = self._client.request(method, path, **what)
                break
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as away:
                raise self._away(away) from away
            except httpx.HTTPError as lost:
                # Reads and keyed writes can be repeated: the console does each of them once.
                if not left:
                    raise self._away(lost) from lost
        if not answer.is_success:
            raise RefusedByConsole(answer.status_code, _problem(answer))
        return answer

    def _away(self, error: Exception) -> CommandError:
        return CommandError(
            f"The console at {self._address.url} does not answer ({type(error).__name__}).",
            "See `millrace status`; start it with `millrace up`.",
            ExitCode.UNREACHABLE,
        )


def open_client(context: str | None = None) -> ApiClient:
    """The console that this command speaks to."""
    settings = StackSettings.from_environment()
    chosen = context or settings.environment.get("MILLRACE_CONTEXT") or ""
    return ApiClient(_of_context(chosen, settings) if chosen else of_stack(Home(settings.home)))


def of_stack(home: Home) -> ConsoleAddress:
    """The console of a local stack that runs."""
    url = fact_of(home, "console", "url")
    if url is None:
        raise CommandError(
            f"No console runs in {home.root}.",
            "Start it with `millrace up`, or name another installation with --context.",
            ExitCode.UNREACHABLE,
        )
    return ConsoleAddress(url, _token(home.secrets / TOKEN_FILE))


def _of_context(name: str, settings: StackSettings) -> ConsoleAddress:
    base = settings.environment.get("XDG_CONFIG_HOME") or str(Path(settings.environment.get("HOME", "~")) / ".config")
    path = Path(base).expanduser() / "millrace" / "config.toml"
    try:
        contexts = tomllib.loads(path.read_text(encoding="utf-8")).get("contexts", {})
    except OSError as refused:
        raise _no_context(name, f"{path} cannot be read: {refused.strerror}") from refused
    except tomllib.TOMLDecodeError as wrong:
        raise _no_context(name, f"{path} is not TOML: {wrong}") from wrong
    found = contexts.get(name)
    if not isinstance(found, dict) or not {"url", "token_file"} <= found.keys():
        known = ", ".join(sorted(contexts)) or "none"
        raise _no_context(name, f"{path} has no [contexts.{name}] with url and token_file; it has: {known}")
    return ConsoleAddress(str(found["url"]).rstrip("/"), _token(Path(str(found["token_file"])).expanduser()))


def _no_context(name: str, why: str) -> CommandError:
    return CommandError(f"There is no context {name}: {why}.", "See `millrace connection --help`.", ExitCode.USAGE)


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as refused:
        raise CommandError(
            f"The API token in {path} cannot be read: {refused.strerror}.",
            "Run the command as the user who owns the installation.",
            ExitCode.NOT_ALLOWED,
        ) from refused


def _person() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return "command line"
    return name if name.isascii() and name.isprintable() else "command line"


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
