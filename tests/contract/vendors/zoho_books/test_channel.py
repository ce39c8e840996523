"""Webhooks of an organisation are as they are wanted, whatever somebody did to them; nobody else's is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from common.contracts.ids import Entity
from tests.contract.vendors.hook_vault import MemoryVault
from tests.contract.vendors.zoho_books import account
from tests.contract.vendors.zoho_books.account import BooksAccount
from tests.support.sandbox import SandboxProcess
from vendors.channel import Audited, HookSubscription, hook_address
from vendors.zoho_books import wire
from vendors.zoho_books.channel import ZohoBooksChannel
from vendors.zoho_books.hook_settings import MODULES
from vendors.zoho_books.readers import READERS

BASE = hook_address("https://ours.example/", "zoho-books", "books")
OURS = ("customer", "invoice")


@dataclass
class Kept:
    """The organisation, and what is wanted of it."""

    account: BooksAccount
    vault: MemoryVault = field(default_factory=MemoryVault)

    async def audit(self, *subjects: str, base: str = BASE) -> Audited:
        wanted = HookSubscription(base, subjects or OURS)
        return await ZohoBooksChannel().audit(wanted, (), self.account.api, self.vault)

    async def nothing(self) -> Audited:
        return await ZohoBooksChannel().audit(HookSubscription(BASE, ()), OURS, self.account.api, self.vault)

    def stored(self) -> Any:
        (found,) = self.account.sandbox.get("state/zoho-books", account="demo")["accounts"].values()
        return found

    def hooks(self) -> dict[str, Any]:
        return {one["webhook_id"]: one for one in self.stored()["webhooks"]}

    def rules(self) -> list[Any]:
        return list(self.stored()["workflows"])

    def make(self, url: str, *, actions: int = 1) -> str:
        """Somebody makes a webhook and a rule for it by hand."""
        books = self.account.books
        body = {"webhook_name": "mine", "entity": "contact", "url": url, "method": "POST"}
        hook = str(books.told("POST", "/settings/webhooks", body, 201)["webhook"]["webhook_id"])
        does = [{"action_type": "webhook", "action_id": hook}, {"action_type": "alert", "action_id": "1"}]
        rule = {"workflow_name": "mine", "entity": "contact", "rule_type": "add", "instant_actions": does[:actions]}
        books.told("POST", "/settings/workflows", rule, 201)
        return hook


@pytest.fixture
async def kept(sandbox: SandboxProcess) -> AsyncIterator[Kept]:
    async with account.opened(sandbox) as opened:
        made = Kept(opened)
        await made.audit()
        yield made


def address(event: str, base: str = BASE, module: str = "contact") -> str:
    return f"{base}?entity={module}&event={event}"


class TestAudit:
    async def test_makes_what_is_missing_and_the_same_again_asks_for_both_lists_once(self, kept: Kept) -> None:
        assert (len(kept.hooks()), len(kept.rules())) == (6, 6)
        before = kept.account.calls()
        assert await kept.audit() == Audited([], [])
        assert kept.account.calls() - before == 2

    async def test_a_rule_and_a_webhook_that_somebody_deleted_come_back(self, kept: Kept) -> None:
        rule = kept.rules()[0]
        kept.account.books.told("DELETE", f"/settings/workflows/{rule['workflow_id']}")
        kept.account.books.told("DELETE", f"/settings/webhooks/{rule['webhook_ids'][0]}")
        assert (await kept.audit()).mended == ["webhook for customer created", "workflow rule for customer created"]
        assert (len(kept.hooks()), len(kept.rules())) == (6, 6)

    async def test_a_rule_that_somebody_switched_off_is_switched_on(self, kept: Kept) -> None:
        kept.account.books.told("POST", f"/settings/workflows/{kept.rules()[1]['workflow_id']}/inactive")
        assert (await kept.audit()).mended == ["switched off: workflow rule for customer edited"]
        assert all(rule["is_active"] for rule in kept.rules())

    async def test_a_secret_that_somebody_took_away_is_given_back(self, kept: Kept) -> None:
        hook = next(iter(kept.hooks()))
        kept.account.books.told("PUT", f"/settings/webhooks/{hook}", {"secret": ""})
        assert (await kept.audit()).mended == ["secret of the webhook for customer created"]
        assert {one["secret"] for one in kept.hooks().values()} == {kept.vault.slots["default"].reveal()}

    async def test_another_address_of_ours_moves_all_of_them(self, kept: Kept) -> None:
        elsewhere = BASE.replace("ours.example", "ours.example:9100")
        before = set(kept.hooks())
        assert len((await kept.audit(base=elsewhere)).mended) == 6
        assert set(kept.hooks()) == before
        assert all(one["url"].startswith(f"{elsewhere}?") for one in kept.hooks().values())

    async def test_one_that_somebody_led_elsewhere_is_theirs_and_a_new_one_is_made(self, kept: Kept) -> None:
        hook = next(iter(kept.hooks()))
        kept.account.books.told("PUT", f"/settings/webhooks/{hook}", {"url": "https://theirs.example/x"})
        assert (await kept.audit()).mended == ["webhook for customer created", "workflow rule for customer created"]
        assert len(kept.hooks()) == 7 and kept.hooks()[hook]["url"] == "https://theirs.example/x"
        assert await kept.audit() == Audited([], [])

    async def test_a_second_one_for_the_same_event_goes_with_its_rule(self, kept: Kept) -> None:
        double = kept.make(address("created"))
        assert (await kept.audit()).removed == ["webhook mine"]
        assert double not in kept.hooks() and len(kept.rules()) == 6

    async def test_what_nobody_wants_any_more_goes(self, kept: Kept) -> None:
        assert len((await kept.audit("invoice")).removed) == 3
        assert {one["entity"] for one in kept.hooks().values()} == {"invoice"}
        assert len((await kept.nothing()).removed) == 3
        assert (kept.hooks(), kept.rules()) == ({}, [])

    async def test_nobody_elses_is_touched(self, kept: Kept) -> None:
        strangers = {
            kept.make("https://theirs.example/hooks/zoho-books/other?entity=contact&event=created"),
            kept.make("https://ours.example/hooks/zoho-books/books2?entity=contact&event=created"),
        }
        await kept.nothing()
        assert set(kept.hooks()) == strangers and len(kept.rules()) == 2

    async def test_one_that_a_rule_of_somebody_elses_runs_stays(self, kept: Kept) -> None:
        double = kept.make(address("created"), actions=2)
        assert (await kept.audit()).removed == []
        assert double in kept.hooks()


class TestSubject:
    def test_is_the_kind_of_record(self) -> None:
        channel = ZohoBooksChannel()
        assert channel.heard("entity=contact&event=edited", b"") == "customer"
        assert channel.heard("entity=purchaseorder&event=deleted", b"") == "purchase_order"
        assert (channel.heard("", b""), channel.heard("entity=expense", b"")) == ("", "")

    def test_whatever_has_a_webhook_is_recognised_in_its_body(self) -> None:
        told = {entity for entity, _ in wire.MODULES.values()}
        assert {entity for entity in READERS if ZohoBooksChannel().subject(Entity(entity), "")} == told == set(MODULES)
