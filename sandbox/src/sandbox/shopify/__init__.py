"""Shopify, simulated: OAuth, the GraphQL Admin API, bulk operations, webhooks."""

from sandbox.core import Core
from sandbox.shopify.simulator import Shopify
from sandbox.simulator import Simulator


def build(core: Core) -> Simulator:
    """The simulator with its demo shop."""
    return Shopify(core)


__all__ = ["Shopify", "build"]
