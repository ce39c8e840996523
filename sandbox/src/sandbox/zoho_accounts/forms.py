"""The parameters of a request to an accounts server: query string and form body are one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from sandbox.simulator import Request

MOST_FIELDS = 200
LONGEST_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its parameters."""

    request: Request
    fields: dict[str, str]

    @classmethod
    def of(cls, request: Request) -> Asked:
        return cls(request, dict(request.query) | form_of(request))

    def one(self, name: str) -> str:
        """A parameter, empty when absent."""
        return self.fields.get(name, "")

    @property
    def dc(self) -> str:
        return self.request.prefix.split("/")[2]

    @property
    def now(self) -> float:
        return self.request.now.timestamp()

    @property
    def scopes(self) -> tuple[str, ...]:
        """Comma separated by the book; spaces pass too."""
        return tuple(dict.fromkeys(self.one("scope").replace(",", " ").split()))


def form_of(request: Request) -> dict[str, str]:
    """The form in the body; a body that is no form counts for nothing, as at the vendor."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or len(request.body) > LONGEST_BODY:
        return {}
    try:
        return dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
