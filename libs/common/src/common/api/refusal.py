"""What a service says instead of doing what it was asked: a status, a code, a sentence, and when to ask again."""

from __future__ import annotations

from collections.abc import Mapping

from common.codes import Code


class Refusal(Exception):
    """A request that is not granted; becomes problem details (RFC 9457). Never holds a secret."""

    def __init__(
        self,
        status: int,
        code: Code,
        detail: str = "",
        retry_after_s: float | None = None,
        *,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """`more` are members of the document beside those that every refusal has."""
        super().__init__(code.name)
        self.status = status
        self.code = code
        self.detail = detail or code.meaning
        self.retry_after_s = retry_after_s
        self.more = dict(more or {})

    def __str__(self) -> str:
        return f"{self.code.name}: {self.detail}"
