"""What this writer consumes: its commands."""

from __future__ import annotations

from collections.abc import Callable

from common.clock import Clock
from common.contracts.topics import commands
from common.metrics import Metrics
from writer_mailchimp.targets import VENDOR
from writing.intake import CommandHandler

SERVICE = "writer-mailchimp"


def on_command(clock: Clock, metrics: Metrics, wake: Callable[[], None]) -> CommandHandler:
    """Commands become work items."""
    assert VENDOR.target is not None
    topic = commands(VENDOR.name)
    return CommandHandler(topic, SERVICE, VENDOR.target.key, clock=clock, metrics=metrics, wake=wake)
