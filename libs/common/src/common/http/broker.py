"""The token-broker's client: who we are, how long we wait, and what an answer is. What it means is said by whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from opentelemetry import propagate

from common.http.trust import authorities
from common.secret import Secret

_TIMEOUT_S = 30.0
_CONNECT_S = 2.0
_LONGEST_CODE = 64


class BrokerSilent(Exception):
    """The broker gave no whole answer; `sent` tells whether it may have done what it was asked."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the token-broker did not answer")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class BrokerAnswer:
    """What it said; `document` is None where that was no JSON object."""

    status: int
    document: Mapping[str, Any] | None
    retry_after_s: float | None

    @property
    def granted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The code of a refusal, empty where it names none."""
        code = (self.document or {}).get("code")
        return code[:_LONGEST_CODE] if isinstance(code, str) else ""

    def __repr__(self) -> str:
        # The document may be a credential.
        return f"{type(self).__name__}({self.status}, {self.code!r})"


class BrokerClient:
    """One for each part of a process that asks the broker: they wait for different times."""

    def __init__(
        self, base_url: str, key: Callable[[], Secret], *, timeout_s: float = _TIMEOUT_S, most_bytes: int | None = None
    ) -> None:
        """`key` is asked on each request: whoever starts the services may replace the key file."""
        timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=timeout, follow_redirects=False, trust_env=False, verify=authorities()
        )
        self._key = key
        self._most = most_bytes

    async def ask(self, method: str, path: str, body: object = None) -> BrokerAnswer:
        """One request, one answer; raises `BrokerSilent`."""
        headers = {"authorization": f"Bearer {self._key().reveal()}", "content-type": "application/json"}
        propagate.inject(headers)
        content = None if body is None else orjson.dumps(body)
        try:
            answer = await self._client.request(method, path, content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as away:
            raise BrokerSilent(sent=False) from away
        except httpx.HTTPError as lost:
            raise BrokerSilent(sent=True) from lost
        if self._most is not None and len(answer.content) > self._most:
            raise BrokerSilent(sent=True)
        return BrokerAnswer(
            answer.status_code, _document(answer.content), _seconds(answer.headers.get("retry-after", ""))
        )

    async def aclose(self) -> None:
        await self._client.aclose()


def _document(content: bytes) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _seconds(text: str) -> float | None:
    return float(text) if text.isdigit() and len(text) < 7 else None
