"""The millrace command: the local stack, the demo, and every operation on a running installation."""

__version__ = "0.1.0"
