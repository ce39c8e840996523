"""`python -m common.state.migrate`: what a starter runs before the services; one sentence and an exit code."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from common.environment import ConfigurationError
from common.settings import load
from common.state.migration import MigrationRefused, migrate
from common.state.roles import read_passwords, set_passwords
from common.state.settings import OwnerSettings
from common.state.trouble import DATABASE_ERRORS, DatabaseTrouble, trouble_of

DONE, REFUSED, AWAY, MISCONFIGURED = 0, 1, 75, 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrates the database of DATABASE_URL and, if asked, sets the roles' passwords."""
    options = _options(arguments)
    try:
        settings = load(OwnerSettings)
        applied = asyncio.run(_run(settings.database_url.reveal(), options.role_passwords))
    except ConfigurationError as wrong:
        return _say(str(wrong), MISCONFIGURED)
    except MigrationRefused as refused:
        return _say(str(refused), REFUSED)
    except (*DATABASE_ERRORS, ValueError) as error:
        return _explain(error)
    print("Applied " + ", ".join(applied) if applied else "The database is up to date.")  # noqa: T201
    return DONE


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m common.state.migrate", description=main.__doc__)
    parser.add_argument(
        "--role-passwords", type=Path, metavar="DIR", help="folder with one file per role (service, console, broker)"
    )
    return parser.parse_args(arguments)


async def _run(url: str, passwords: Path | None) -> list[str]:
    applied = await migrate(url)
    if passwords is not None:
        await set_passwords(url, read_passwords(passwords))
    return applied


def _explain(error: Exception) -> int:
    """A wrong address is the operator's to mend, a server that is away may come back."""
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return _say(f"DATABASE_URL names a database that does not exist: {error}.", MISCONFIGURED)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return _say(f"DATABASE_URL was not accepted: {error}.", MISCONFIGURED)
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return _say(
            f"The role of DATABASE_URL may not do this: {error}. Give it CREATEROLE and the database.", MISCONFIGURED
        )
    if isinstance(error, ValueError):
        return _say(f"DATABASE_URL cannot be used: {error}.", MISCONFIGURED)
    if trouble_of(error) is DatabaseTrouble.AWAY:
        return _say(
            f"PostgreSQL does not answer at the address of DATABASE_URL: {error or type(error).__name__}.", AWAY
        )
    return _say(f"PostgreSQL refused: {error}.", REFUSED)


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    raise SystemExit(main())
