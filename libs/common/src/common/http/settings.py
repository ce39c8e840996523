"""What a service is told that speaks to vendors: where the token-broker is, and the key by which the broker knows the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from common.secret import Secret
from common.settings import Address, ConfigurationError, ServiceSettings

# As `addresses.py` compares them: no scheme, no port, no path; `*.` stands for one label.
Host = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class DoorSettings(ServiceSettings):
    """The shared settings, and the way to the token-broker."""

    token_broker_url: Address = Field(
        description="Where the token-broker listens for services.", examples=["http://127.0.0.1:8081"]
    )
    service_key_path: Path = Field(
        description="The file with this service's key for the token-broker; read again on each request.",
        examples=["/run/millrace/secrets/ingest.key"],
    )
    file_hosts: tuple[Host, ...] = Field(
        (),
        description="More hosts that vendors put results on, by the addresses that their answers name, with commas.",
        examples=["files.example.org,*.store.example.org"],
    )

    def service_key(self) -> Secret:
        """The key as the file has it now: whoever starts the service may replace it at any time."""
        try:
            return Secret(self.service_key_path.read_text().strip())
        except OSError as error:
            raise ConfigurationError([f"MILLRACE_SERVICE_KEY_PATH: {error.strerror or error}"]) from error
