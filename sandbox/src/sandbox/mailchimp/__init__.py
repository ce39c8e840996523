"""Mailchimp, simulated: OAuth, the Marketing API 3.0, audience webhooks, and Mandrill's webhooks."""

from sandbox.core import Core
from sandbox.mailchimp.simulator import Mailchimp
from sandbox.simulator import Simulator


def build(core: Core) -> Simulator:
    """The simulator with its demo account."""
    return Mailchimp(core)


__all__ = ["Mailchimp", "build"]
