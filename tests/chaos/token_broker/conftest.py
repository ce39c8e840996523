"""The fixtures of the broker's tests."""

from tests.support.broker_world import broker, broker_sandbox, name, own_world, rotating_world, vaults, world

__all__ = ["broker", "broker_sandbox", "name", "own_world", "rotating_world", "vaults", "world"]
