"""Builds the token-broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from common.environment import ConfigurationError
from common.health import NotReady
from common.http.profile import Timeouts
from common.runtime import Build, Runtime
from common.service import run
from common.state.migration import pending
from common.state.pool import Pool, connection
from common.state.service_pool import service_pool
from token_broker.accounts.client import HORIZON, TIMEOUTS, Accounts
from token_broker.accounts.discovery import Discoverer
from token_broker.accounts.registry import Registry
from token_broker.accounts.revocation import Revocation
from token_broker.api import app
from token_broker.api.callers import Callers
from token_broker.api.context import ApiContext
from token_broker.api.overview import Overview
from token_broker.consent.choice import Choice
from token_broker.consent.consents import Consents
from token_broker.consent.credential_replacement import CredentialReplacement
from token_broker.consent.grants import Grants
from token_broker.consent.store import ConsentStore
from token_broker.migrate import MIGRATIONS, SCHEMA
from token_broker.refresh.expiries import EVERY_S as EXPIRIES_EVERY_S
from token_broker.refresh.expiries import Expiries
from token_broker.refresh.locks import GrantLocks
from token_broker.refresh.prober import Prober
from token_broker.refresh.refresher import Refresher
from token_broker.refresh.schedule import EVERY_S, TIDY_EVERY_S, Schedule
from token_broker.refresh.store import RefreshStore
from token_broker.refresh.tokens import Tokens
from token_broker.settings import BrokerSettings
from token_broker.vault import keyring
from token_broker.vault.access_log import FLUSH_EVERY_S, AccessLog
from token_broker.vault.credential_changes import BEAT_S, CredentialChanges
from token_broker.vault.credentials import Credentials
from token_broker.vault.envelope import Vault
from token_broker.vault.grant_ends import GrantEnds
from token_broker.vault.keyring import FileRing, KeyRing, TextRing
from token_broker.vault.rotation import Rotation
from token_broker.vault.webhook_secrets import WebhookSecrets
from vendors.vendor import Vendor

SERVICE = "token-broker"
POOL_SIZE = 12


def build_with(
    vendors: Mapping[str, Vendor], patience: Timeouts = TIMEOUTS, horizon: timedelta = HORIZON
) -> Build[BrokerSettings]:
    """How the service is built for these vendors; how long it waits for their accounts servers, and for what they never answered."""

    def build(runtime: Runtime[BrokerSettings]) -> AbstractAsyncContextManager[None]:
        return _broker(runtime, _registry(vendors, runtime.settings), patience, horizon)

    return build


@asynccontextmanager
async def _broker(
    runtime: Runtime[BrokerSettings], registry: Registry, patience: Timeouts, horizon: timedelta
) -> AsyncIterator[None]:
    settings = runtime.settings
    async with AsyncExitStack() as life:
        pool = await life.enter_async_context(service_pool(runtime, size=POOL_SIZE))
        locks, accounts = GrantLocks(settings.database_url.reveal()), Accounts(patience)
        life.push_async_callback(locks.aclose)
        life.push_async_callback(accounts.aclose)
        ring = await _ring(pool, settings)
        vault = Vault(ring)
        async with connection(pool) as link:
            await vault.check(link)
        context, refresher = _assemble(runtime, registry, pool, locks, accounts, vault, ring, horizon)
        runtime.health.add("vault", lambda: _ready(pool))
        runtime.mount(app.build(context))
        yield
        # A refresh must reach the disk, and every read the log, before this process may end.
        await refresher.landed()
        await context.access_log.flush()


def _assemble(
    runtime: Runtime[BrokerSettings],
    registry: Registry,
    pool: Pool,
    locks: GrantLocks,
    accounts: Accounts,
    vault: Vault,
    ring: KeyRing,
    horizon: timedelta,
) -> tuple[ApiContext, Refresher]:
    settings, clock, log = runtime.settings, runtime.clock, runtime.log
    credentials = Credentials(pool, vault)
    store = RefreshStore(pool, vault, credentials, horizon)
    refresher = Refresher(credentials, store, locks, accounts, registry, clock, runtime.metrics, log)
    discoverer, ends = Discoverer(accounts, registry), GrantEnds(pool, credentials, clock)
    prober = Prober(discoverer, store, clock)
    revocation, replacement = Revocation(accounts, registry), CredentialReplacement(vault, credentials)
    consent_store = ConsentStore(pool, vault)
    choice = Choice(pool, consent_store, replacement, discoverer, revocation, registry, clock, log)
    consents = Consents(consent_store, choice, accounts, registry, clock)
    grants = Grants(pool, credentials, replacement, accounts, discoverer, revocation, registry, clock, log)
    hooks, access_log = WebhookSecrets(pool, vault, clock), AccessLog(pool)
    credential_changes = CredentialChanges(
        settings.database_url.reveal(), lambda name: tokens.drop(name), lambda: tokens.drop_all()
    )
    tokens = Tokens(credentials, refresher, prober, clock, credential_changes.hears)
    kept_for, tidied = timedelta(days=settings.retention.audit_days), (consents, grants, hooks, ends)
    schedule = Schedule(credentials, store, refresher, access_log, tidied, clock, kept_for, log)
    listening = runtime.every("credential changes", BEAT_S, credential_changes.listen)
    listening.add_done_callback(lambda _: credential_changes.close())
    runtime.every("access log", FLUSH_EVERY_S, access_log.flush)
    runtime.every("schedule", EVERY_S, schedule.look)
    runtime.every("expiries", EXPIRIES_EVERY_S, Expiries(credentials, runtime.metrics).tell)
    runtime.every("tidying", TIDY_EVERY_S, schedule.tidy)
    context = ApiContext(
        tokens=tokens,
        credentials=credentials,
        webhook_secrets=hooks,
        consents=consents,
        grants=grants,
        overview=Overview(pool, credentials, registry, clock),
        rotation=Rotation(pool, vault, ring, clock, log),
        ring=ring,
        registry=registry,
        callers=Callers(settings.home / "secrets", settings.callers_file),
        access_log=access_log,
        clock=clock,
        browser_url=settings.browser_url,
    )
    return context, refresher


def _registry(vendors: Mapping[str, Vendor], settings: BrokerSettings) -> Registry:
    grants = {str(name): vendor.grant for name, vendor in vendors.items() if vendor.grant is not None}
    return Registry(grants, {str(name): vendor.title for name, vendor in vendors.items()}, settings.apps)


async def _ring(pool: Pool, settings: BrokerSettings) -> KeyRing:
    """The keys as they were given; the first start of an empty vault makes one of its own."""
    if settings.master_key_path is not None:
        return FileRing(settings.master_key_path)
    if settings.master_key:
        return TextRing(settings.master_key.reveal())
    path = settings.home / "secrets" / "master.keys"
    if not path.exists():
        await _first_key(pool, path)
    return FileRing(path)


async def _first_key(pool: Pool, path: Path) -> None:
    async with connection(pool) as link:
        needed = await link.fetch("select ring_key, count(*) as connections from vault.data_key group by 1")
    if needed:
        names = ", ".join(f"{row['ring_key']} ({row['connections']} connections)" for row in needed)
        raise ConfigurationError(
            [
                f"The master keys in {path} are gone, and the vault needs {names}: put the file back. No new key was made."
            ]
        )
    keyring.create(path)


async def _ready(pool: Pool) -> str | None:
    async with connection(pool) as link:
        missing = await pending(link, MIGRATIONS, SCHEMA)
    if missing:
        raise NotReady(f"the vault needs {', '.join(missing)}: run python -m token_broker.migrate")
    return None


def main() -> int:
    """Runs the service until SIGTERM."""
    from vendors.registry import VENDORS

    return run(SERVICE, BrokerSettings, build_with({str(name): vendor for name, vendor in VENDORS.items()}))
