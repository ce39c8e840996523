"""What the console is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from common.http.settings import DoorSettings


class ConsoleSettings(DoorSettings):
    """The way to vendors, and the key to the console's own API."""

    api_token_path: Path = Field(
        description="The file with the token that callers of the console's API show; read again when it changes.",
        examples=["/run/millrace/secrets/console-api.token"],
    )
