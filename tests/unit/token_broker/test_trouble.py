"""A database that is away is waited for; a table or a right that is missing, and a fault of our own, surface at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import httpx
import pytest
import structlog
from fastapi import FastAPI

from common.clock import Clock
from common.loops import Loop, Step
from common.metrics import Metrics
from token_broker.api import problems
from token_broker.refresh.locks import GrantLocks
from token_broker.refresh.refresher import Refresher
from token_broker.refresh.schedule import Schedule
from token_broker.refresh.tokens import Tokens
from token_broker.vault.access_log import AccessLog, Read
from token_broker.vault.credential_changes import CredentialChanges
from token_broker.vault.open_credential import CredentialStatus
from token_broker.vault.rotation import Rotation
from vendors.grant import NotGranted

AWAY = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
UNFIT = asyncpg.UndefinedTableError('relation "vault.credential" does not exist')
NO_RIGHT = asyncpg.InsufficientPrivilegeError("permission denied for table credential")
OURS = asyncpg.DataError("invalid input")
SURFACES = [UNFIT, NO_RIGHT, OURS]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
log = structlog.get_logger()


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


CLOCK = cast(Clock, Stopped())


class Fails:
    """Whatever is asked of it, it raises the error."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fails(*_: object, **__: object) -> None:
            raise self._error

        return fails


class Does:
    """Whatever is asked of it is nothing to speak of."""

    def __getattr__(self, name: str) -> Any:
        async def does(*_: object, **__: object) -> Sequence[str]:
            return ()

        return does


class BrokenPool:
    """A pool that has no connection to give."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def acquire(self, **_: object) -> BrokenPool:
        return self

    async def __aenter__(self) -> None:
        raise self._error

    async def __aexit__(self, *_: object) -> None: ...


class Standings:
    """One grant that is due."""

    async def due(self, now: datetime, most: int) -> list[CredentialStatus]:
        return [standing()]

    async def standing(self, connection: str) -> CredentialStatus | None:
        return standing()


class Pauses(Does):
    """Remembers what was paused, and for what reason."""

    def __init__(self) -> None:
        self.paused: list[tuple[str, str]] = []

    async def pause(
        self, held: CredentialStatus, intent: None, said: NotGranted, until: datetime, now: datetime
    ) -> None:
        self.paused.append((held.connection, said.code))


def standing() -> CredentialStatus:
    return CredentialStatus(
        "books", "zoho-books", "oauth", "active", "", "", "eu", "", "", {}, (), 1, 1, None, NOW, "", NOW, NOW, None, None, NOW, "",
        None, None, 0, (),
    )  # fmt: skip


def schedule(credentials: object, store: object, refresher: object) -> Schedule:
    made: Any = Schedule
    return cast(Schedule, made(credentials, store, refresher, Does(), (), CLOCK, timedelta(days=90), log))


async def looping(step: Step) -> None:
    """As the service runs it."""
    await Loop("one of the broker", 1.0, step).run(asyncio.Event())


async def ends_with(work: Any, error: BaseException, within: float = 30.0) -> None:
    with pytest.raises(type(error)):
        await asyncio.wait_for(work, within)


async def goes_on(work: Any) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work, 0.3)


class TestSchedule:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_missing_table_ends_the_service(self, error: Exception) -> None:
        await ends_with(looping(schedule(Fails(error), Does(), Does()).look), error)

    async def test_a_database_that_is_away_is_waited_for(self) -> None:
        await goes_on(looping(schedule(Fails(AWAY), Does(), Does()).look))

    async def test_what_a_renewal_raises_is_nobodys_secret(self) -> None:
        await ends_with(looping(schedule(Standings(), Does(), Fails(UNFIT)).look), UNFIT)

    async def test_our_own_fault_on_one_grant_is_counted_and_told_and_stops_nobody(self) -> None:
        store = Pauses()
        await goes_on(looping(schedule(Standings(), store, Fails(OURS)).look))
        assert store.paused == [("books", "BROKER_FAULT")]


class TestTokens:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_missing_table_is_no_503(self, error: Exception) -> None:
        made: Any = Tokens
        await ends_with(made(Fails(error), Does(), Does(), CLOCK, lambda: True).known("books"), error)


class TestRefresh:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_missing_table_is_no_503(self, error: Exception) -> None:
        made: Any = Refresher
        broken = GrantLocks("postgresql://nobody@127.0.0.1:1/none")
        broken._try = Fails(error)._try  # type: ignore[method-assign]
        refresher = made(Does(), Does(), broken, Does(), Does(), CLOCK, Metrics(), log)
        await ends_with(refresher.renew("books", 1, "expired"), error)


class TestNews:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_missing_right_ends_the_service(self, error: Exception) -> None:
        credential_changes = CredentialChanges("", lambda _: None, lambda: None)
        credential_changes._open = Fails(error)._open  # type: ignore[method-assign]
        await ends_with(looping(credential_changes.listen), error)


class TestAccessLog:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_missing_table_ends_the_service_with_every_line_kept(self, error: Exception) -> None:
        lines = AccessLog(cast(Any, BrokenPool(error)))
        lines.add(Read(NOW, "ingest", "books", "zoho-books", "token", 1, "given", ""))
        await ends_with(looping(lines.flush), error)
        assert len(lines._waiting) == 1


class TestLocks:
    @pytest.mark.parametrize("error", SURFACES, ids=repr)
    async def test_a_session_that_cannot_unlock_is_ended_and_says_why(self, error: Exception) -> None:
        class Session:
            ended = False

            def is_closed(self) -> bool:
                return self.ended

            def terminate(self) -> None:
                self.ended = True

            async def execute(self, *_: object) -> None:
                raise error

        locks, session = GrantLocks(""), Session()
        locks._link = session
        await ends_with(locks._give_back("books", session), error)
        assert session.ended


class TestRotation:
    @pytest.mark.parametrize("error", [*SURFACES, KeyError("subject")], ids=repr)
    async def test_it_ends_and_says_that_repeating_it_does_not_help(self, error: Exception) -> None:
        rotation = Rotation(cast(Any, None), cast(Any, None), cast(Any, None), CLOCK, log)
        rotation._page = Fails(error)._page  # type: ignore[method-assign]
        task = asyncio.create_task(rotation._run())
        await asyncio.wait({task}, timeout=30)
        assert rotation.progress.state == "failed"
        assert "will not help" in rotation.progress.message
        task.exception()

    async def test_a_database_that_is_away_is_worth_a_second_try(self) -> None:
        rotation = Rotation(cast(Any, None), cast(Any, None), cast(Any, None), CLOCK, log)
        rotation._page = Fails(AWAY)._page  # type: ignore[method-assign]
        await rotation._run()
        assert rotation.progress.message.endswith("rotate again.")


class TestApi:
    @pytest.mark.parametrize(("error", "status"), [(AWAY, 503), *((error, 500) for error in SURFACES)], ids=repr)
    async def test_only_a_database_that_is_away_asks_to_come_again(self, error: Exception, status: int) -> None:
        app = FastAPI()
        problems.install(app)

        @app.get("/")
        async def fails() -> None:
            raise error

        to_it = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=to_it, base_url="http://broker") as client:
            answer = await client.get("/")
        assert answer.status_code == status
        assert ("retry-after" in answer.headers) is (status == 503)
