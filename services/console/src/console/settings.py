"""What the console is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from common.http.settings import DoorSettings
from common.settings import Address
from console.notify.smtp_settings import SmtpSettings


class ConsoleSettings(DoorSettings):
    """The way to vendors, and the key to the console's own API."""

    api_token_path: Path = Field(
        description="The file with the token that callers of the console's API show; read again when it changes.",
        examples=["/run/millrace/secrets/console-api.token"],
    )
    console_url: Address | None = Field(
        None,
        description="The address under which people reach the console's API; failures in summaries link to it.",
        examples=["https://console.example.org"],
    )
    smtp: SmtpSettings = Field(
        default_factory=SmtpSettings, description="The mail server that this installation sends by."
    )
