"""Servers that the user named: they are not started, but they are checked before anything else is."""

from __future__ import annotations

import asyncio
import struct
from urllib.parse import urlsplit

from millrace.errors import CommandError
from millrace.exit_codes import ExitCode
from millrace.settings import StackSettings
from millrace.stack.state import Phase, UnitState

CONNECT_SECONDS = 5.0
OLDEST_POSTGRES = 15


async def check_given(settings: StackSettings) -> dict[str, UnitState]:
    """The units that somebody else runs, each asked once; the first that does not answer as it should is an error."""
    units = {}
    if settings.kafka_bootstrap_servers:
        version = await check_kafka(settings.kafka_bootstrap_servers, dict(settings.environment))
        units["kafka"] = _unit("kafka", version, {"address": settings.kafka_bootstrap_servers})
    if settings.database_url:
        version = await check_database(settings.database_url)
        units["postgres"] = _unit("postgres", version, _addressed(settings.database_url))
    if settings.redis_url:
        version = await check_redis(settings.redis_url)
        units["valkey"] = _unit("valkey", version, _addressed(settings.redis_url))
    return units


def _unit(name: str, version: str, facts: dict[str, str]) -> UnitState:
    return UnitState(name=name, phase=Phase.READY, version=version, given=True, facts=facts)


def _addressed(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {"address": f"{parts.hostname}:{parts.port or ''}".rstrip(":"), "url": url}


async def check_database(url: str) -> str:
    """The server's version, if this user may make the schemas of Millrace in this database."""
    import asyncpg

    where = _where(url, "DATABASE_URL", ("postgresql", "postgres"))
    try:
        link = await asyncpg.connect(url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
        try:
            version = str(await link.fetchval("show server_version")).split()[0]
            stranger = await _stranger(link)
        finally:
            await link.close(timeout=2)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
        raise _unusable("DATABASE_URL", where, refused) from refused
    if int(version.split(".")[0]) < OLDEST_POSTGRES:
        raise CommandError(f"The database at {where} is PostgreSQL {version}; {OLDEST_POSTGRES} or newer is needed.")
    if stranger:
        raise CommandError(
            f"The database at {where} is not one of Millrace: it holds {stranger}.",
            "Name an empty database of its own in DATABASE_URL.",
            ExitCode.CONFLICT,
        )
    return version


async def _stranger(link: object) -> str | None:
    """A table in our schemas that no migration of ours made."""
    query = """
        select format('%s.%s', schemaname, tablename) from pg_catalog.pg_tables
        where schemaname in ('core', 'flow', 'vault') and to_regclass('flow.applied_migration') is null
        order by 1 limit 1
    """
    found = await link.fetchval(query)  # type: ignore[attr-defined]
    return None if found is None else str(found)


async def check_redis(url: str) -> str:
    from redis.asyncio import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    where = _where(url, "REDIS_URL", ("redis", "rediss"))
    client = Redis.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    try:
        facts = await client.info("server")
        return str(facts.get("valkey_version") or facts["redis_version"])
    except (RedisError, OSError, TimeoutError, ValueError, KeyError) as refused:
        raise _unusable("REDIS_URL", where, refused) from refused
    finally:
        await client.aclose()


async def check_kafka(servers: str, environment: dict[str, str]) -> str:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    client = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS * 2):
            client = AIOKafkaAdminClient(bootstrap_servers=servers.split(","), **_security(environment))
            await client.start()
            cluster = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError, ValueError, AssertionError, struct.error) as refused:
        raise _unusable("KAFKA_BOOTSTRAP_SERVERS", servers, refused) from refused
    finally:
        if client is not None:
            await client.close()
    return f"cluster {cluster['cluster_id']}"


def _security(environment: dict[str, str]) -> dict[str, object]:
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    options: dict[str, object] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = environment.get("KAFKA_SASL_MECHANISM", "PLAIN")
        options["sasl_plain_username"] = environment.get("KAFKA_SASL_USERNAME", "")
        options["sasl_plain_password"] = environment.get("KAFKA_SASL_PASSWORD", "")
    if protocol.endswith("SSL"):
        from aiokafka.helpers import create_ssl_context

        options["ssl_context"] = create_ssl_context()
    return options


def _where(url: str, name: str, schemes: tuple[str, ...]) -> str:
    """The address without its password, for people to read."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError("no such scheme")
        return f"{parts.hostname}:{parts.port}{parts.path}" if parts.port else f"{parts.hostname}{parts.path}"
    except ValueError as wrong:
        example = f"{schemes[0]}://user:password@host/name"
        raise CommandError(f"{name} is not an address like {example}.", code=ExitCode.USAGE) from wrong


def _unusable(name: str, where: str, refused: BaseException) -> CommandError:
    reason = (str(refused).splitlines() or [""])[0] or type(refused).__name__
    return CommandError(
        f"{name} names {where}, which cannot be used: {reason}.",
        f"Correct {name}, or unset it and Millrace starts a server of its own.",
        ExitCode.UNREACHABLE,
    )
