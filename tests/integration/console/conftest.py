"""The fixtures of the console's tests."""

from tests.support.broker_world import broker, broker_sandbox, own_world, vaults, world
from tests.support.console import called, console, meters, own_console
from tests.support.years import filled

__all__ = [
    "broker",
    "broker_sandbox",
    "called",
    "console",
    "filled",
    "meters",
    "own_console",
    "own_world",
    "vaults",
    "world",
]
