"""The mail server that this installation sends by."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.secret import Secret


class SmtpSettings(BaseModel):
    """Without a host no mail is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(
        "",
        description="The mail server for summaries and notifications; without it none is sent.",
        examples=["mail.example.org"],
    )
    port: int = Field(587, ge=1, le=65535, description="The mail server's port.", examples=["587"])
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="`starttls`: encrypted before anything is said; `tls`: from the first byte on, as on port 465; `none`: never, and no password.",
        examples=["tls"],
    )
    ca_file: Path | None = Field(
        None, description="More certificate authorities for the mail server, as a PEM file.", examples=["/etc/ssl/own-ca.pem"]
    )  # fmt: skip
    user: str = Field("", description="Who signs in to the mail server; nobody does without it.", examples=["millrace"])
    password: Secret = Field(Secret(""), description="The password for the mail server.")
    sender: str = Field("", description="The address that mails come from.", examples=["millrace@example.org"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("a mail server needs the address that mails come from: set MILLRACE_SMTP__SENDER")
        if bool(self.user) != bool(self.password):
            raise ValueError("who signs in needs a name and a password: set both or none")
        if self.tls == "none" and self.password:
            raise ValueError("a password is never sent without TLS: choose starttls or tls")
        return self
