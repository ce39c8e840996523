"""Rules of the broker's house: its core knows no vendor, and nothing that holds a secret shows it."""

from __future__ import annotations

import base64
import dataclasses
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import token_broker
from common.codes import CODES
from common.environment import ConfigurationError
from common.secret import Secret
from common.settings import load
from token_broker.api.documents import ApiKeyBody, HeadlessBody, HookSecretBody
from token_broker.consent.consents import Onward
from token_broker.consent.credential_replacement import NewGrant
from token_broker.consent.store import Candidate
from token_broker.settings import BrokerSettings
from token_broker.vault.envelope import Vault
from token_broker.vault.keyring import TextRing
from token_broker.vault.open_credential import OpenCredential
from token_broker.vault.times import Times
from token_broker.vault.webhook_secrets import HookSecret
from vendors.grant import App, Ask, GrantCall, Granted, GrantReply, Returned

SOURCES = sorted(Path(token_broker.__file__).parent.rglob("*.py"))
# The settings name our registrations, the permissions say who works for whom; neither decides anything about a vendor.
MAY_NAME_VENDORS = {"settings.py", "callers.py"}
CANARY = "canary-7f3a9c5e"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def environment(**more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://millrace_broker:{CANARY}@127.0.0.1/m",
        "REDIS_URL": f"redis://:{CANARY}@127.0.0.1/0",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "MILLRACE_ZOHO_CLIENT_ID": "id",
        "MILLRACE_ZOHO_CLIENT_SECRET": CANARY,
        "MILLRACE_ZOHO_CLIENT_SECRETS": f"eu={CANARY}",
        "MILLRACE_MAILCHIMP_CLIENT_SECRET": CANARY,
        "MILLRACE_MASTER_KEY": base64.b64encode(CANARY.encode().ljust(32, b"x")).decode(),
        **more,
    }


def held() -> OpenCredential:
    empty = {field.name: None for field in dataclasses.fields(OpenCredential)}
    return OpenCredential(**{**empty, "access": Secret(CANARY), "refresh": Secret(CANARY)})  # type: ignore[arg-type]


def new_grant() -> NewGrant:
    return NewGrant("c", "v", "oauth", "s", "p", "o", {}, (), Secret(CANARY), Secret(CANARY), Times(NOW, None, None))


class TestSecretsInObjects:
    @pytest.mark.parametrize(
        "thing",
        [
            load(BrokerSettings, environment()),
            load(BrokerSettings, environment()).redacted(),
            load(BrokerSettings, environment()).apps,
            App("zoho", "id", {"": Secret(CANARY)}),
            Ask("eu", CANARY, CANARY),
            GrantCall("POST", f"https://x/?token={CANARY}", "/t", {"a": CANARY}, {"authorization": CANARY}),
            GrantReply(200, CANARY.encode()),
            Granted(Secret(CANARY), Secret(CANARY), None, "eu"),
            Returned(CANARY, "eu"),
            held(),
            new_grant(),
            Candidate(Secret(CANARY), Secret(CANARY)),
            Onward("id", "https://x", Secret(CANARY)),
            HookSecret("s", 1, Secret(CANARY), None),
            ApiKeyBody(vendor="v", api_key=Secret(CANARY)),
            HeadlessBody(vendor="v", site="eu", place="1", client_secret=Secret(CANARY)),
            HookSecretBody(vendor="v", secret=Secret(CANARY)),
            Vault(TextRing(environment()["MILLRACE_MASTER_KEY"])),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_none_shows_one(self, thing: object) -> None:
        key = environment()["MILLRACE_MASTER_KEY"]
        for shown in (repr(thing), str(thing), f"{thing}"):
            assert CANARY not in shown and key not in shown

    def test_none_leaves_the_process_by_pickle(self) -> None:
        with pytest.raises(TypeError):
            pickle.dumps(held())

    def test_a_wrong_setting_does_not_repeat_it(self) -> None:
        with pytest.raises(ConfigurationError) as refused:
            _ = load(BrokerSettings, environment(MILLRACE_ZOHO_CLIENT_SECRETS=CANARY)).apps
        assert CANARY not in str(refused.value) and "MILLRACE_ZOHO_CLIENT_SECRETS" in str(refused.value)


class TestHouse:
    @pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
    def test_the_core_knows_no_vendor(self, path: Path) -> None:
        if path.name in MAY_NAME_VENDORS:
            return
        text = re.sub(r'""".*?"""', "", path.read_text(), flags=re.S)
        code = "\n".join(line.partition("#")[0] for line in text.splitlines())
        assert not re.search(r"zoho|mailchimp|quickbooks|shopify", code, re.I)

    def test_every_code_that_is_named_is_in_the_register(self) -> None:
        named = {
            name
            for path in SOURCES
            for name in re.findall(r"(?:grant_codes|door_codes|codes)\.([A-Z_]{4,})", path.read_text())
        }
        assert named and named <= set(CODES)


class TestSettings:
    def test_a_registration_has_its_redirect_address_and_its_secrets_by_site(self) -> None:
        settings = load(BrokerSettings, environment(MILLRACE_PUBLIC_URL="https://m.example.org"))
        app = settings.apps["zoho"]
        assert app.redirect_uri == "https://m.example.org/oauth/zoho/callback"
        assert set(app.secrets) == {"", "eu"}

    def test_the_browsers_address_is_its_own_the_public_one_or_this_machine(self) -> None:
        both = environment(MILLRACE_PUBLIC_URL="https://m.example.org", MILLRACE_CONSENT_URL="https://c.example.org/")
        assert load(BrokerSettings, both).browser_url == "https://c.example.org"
        assert load(BrokerSettings, environment(PORT="8080")).browser_url == "http://127.0.0.1:8080"
        assert load(BrokerSettings, environment()).browser_url == ""
