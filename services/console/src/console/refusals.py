"""The refusals that several parts of the console make."""

from __future__ import annotations

from collections.abc import Sequence

from common.api.refusal import Refusal
from common.http.door_codes import TOKEN_BROKER_UNAVAILABLE
from console import codes


class BrokerAway(Refusal):
    """The token-broker did not answer; `sent` tells whether it may have done what it was asked."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__(503, TOKEN_BROKER_UNAVAILABLE, retry_after_s=2)
        self.sent = sent


def unknown_connection(given: str) -> Refusal:
    return Refusal(404, codes.CONNECTION_UNKNOWN, f"There is no connection {given[:64]}.")


def wrong_state(name: str, state: str, wanted: str) -> Refusal:
    return Refusal(409, codes.CONNECTION_STATE, f"{name} is {state}; {wanted}.")


def in_use(name: str, syncs: Sequence[tuple[str, str]]) -> Refusal:
    named = ", ".join(shown for _, shown in syncs)
    return Refusal(
        409, codes.CONNECTION_IN_USE, f"{name} is used by {named}.", more={"syncs": [sync for sync, _ in syncs]}
    )
