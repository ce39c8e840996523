"""What the migration command is told."""

from __future__ import annotations

from pydantic import Field

from common.secret import SecretUrl
from common.settings import Settings


class OwnerSettings(Settings):
    """The database and the role that owns it."""

    database_url: SecretUrl = Field(
        validation_alias="DATABASE_URL",
        description="Where PostgreSQL is, with the role that owns the database.",
        examples=["postgresql://postgres@127.0.0.1:5432/millrace"],
    )
