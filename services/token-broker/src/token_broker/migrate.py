"""`python -m token_broker.migrate`: brings the vault to this version, as the role that owns it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from common.environment import ConfigurationError
from common.settings import load
from common.state.migrate import AWAY, DONE, MISCONFIGURED, REFUSED
from common.state.migration import MigrationRefused, migrate
from common.state.settings import OwnerSettings
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, trouble_of

MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMA = "vault"


async def migrate_vault(url: str) -> list[str]:
    """Applies what is missing; a second starter waits, then finds nothing to do."""
    return await migrate(url, MIGRATIONS, SCHEMA)


def main() -> int:
    """Migrates the vault in the database of DATABASE_URL."""
    try:
        applied = asyncio.run(migrate_vault(load(OwnerSettings).database_url.reveal()))
    except ConfigurationError as wrong:
        return _say(str(wrong), MISCONFIGURED)
    except MigrationRefused as refused:
        return _say(str(refused), REFUSED)
    except DATABASE_ERRORS as error:
        away = trouble_of(error) is DatabaseTrouble.AWAY
        return _say(f"The vault could not be migrated: {error or type(error).__name__}.", AWAY if away else REFUSED)
    print("Applied " + ", ".join(applied) if applied else "The vault is up to date.")  # noqa: T201
    return DONE


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    raise SystemExit(main())
