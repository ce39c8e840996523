"""What the mapper is told; it has no settings of its own."""

from __future__ import annotations

from common.settings import ServiceSettings


class MapperSettings(ServiceSettings):
    """The shared settings suffice: what to map is configuration, not environment."""
