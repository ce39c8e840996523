"""What this writer consumes: its commands, and what its target tells of itself."""

from __future__ import annotations

from collections.abc import Callable

from common.clock import Clock
from common.contracts.topics import changes, commands
from common.metrics import Metrics
from writer_mailchimp.targets import VENDOR
from writing.intake import CommandHandler
from writing.target_events import TargetEventHandler

SERVICE = "writer-mailchimp"


def on_command(clock: Clock, metrics: Metrics, wake: Callable[[], None]) -> CommandHandler:
    """Commands become work items."""
    topic = commands(VENDOR.name)
    return CommandHandler(topic, SERVICE, VENDOR.targets, clock=clock, metrics=metrics, wake=wake)


def on_target_event(clock: Clock) -> TargetEventHandler:
    """Events of audiences change what is known of their members' consent; they never produce."""
    return TargetEventHandler(changes(VENDOR.name), f"{SERVICE}-events", VENDOR.targets, clock)
