"""A subscriber that would acknowledge by itself never starts."""

from __future__ import annotations

from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from common.bus.subscription import assert_manual

SAFE: dict[str, Any] = {
    "group_id": "g",
    "batch": True,
    "ack_policy": AckPolicy.MANUAL,
    "auto_offset_reset": "earliest",
}


class TestAssertManual:
    def test_ours_passes(self) -> None:
        broker = KafkaBroker()
        broker.subscriber("t", **SAFE)
        assert_manual(broker)

    @pytest.mark.parametrize(
        "change",
        [
            {"ack_policy": AckPolicy.ACK_FIRST},
            {"ack_policy": AckPolicy.ACK},
            {"ack_policy": AckPolicy.NACK_ON_ERROR},
            {"auto_offset_reset": "latest"},
            {"batch": False},
        ],
    )
    def test_any_other_is_refused(self, change: dict[str, Any]) -> None:
        broker = KafkaBroker()
        broker.subscriber("t", **{**SAFE, **change})
        with pytest.raises(RuntimeError):
            assert_manual(broker)

    def test_a_policy_that_faststream_itself_advises_against_is_refused(self) -> None:
        broker = KafkaBroker()
        with pytest.warns(UserWarning, match="REJECT_ON_ERROR has the same effect"):
            broker.subscriber("t", **{**SAFE, "ack_policy": AckPolicy.REJECT_ON_ERROR})
        with pytest.raises(RuntimeError):
            assert_manual(broker)

    def test_the_default_policy_is_refused(self) -> None:
        broker = KafkaBroker()
        broker.subscriber("t", group_id="g", batch=True, auto_offset_reset="earliest")
        with pytest.raises(RuntimeError, match="acknowledges by itself"):
            assert_manual(broker)
