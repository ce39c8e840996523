"""The secret of an application's webhooks, from the person who enters it to the gateway that asks for it."""

from __future__ import annotations

import pytest

from common.api.refusal import Refusal
from common.contracts.ids import ConnectionId
from common.secret import Secret
from common.state.pool import close_pool, open_pool
from console.broker import Broker as ConsoleBroker
from console.use_cases.app_channels import AppChannels
from ingest.secrets import KnownSecrets
from tests.support.app_hooks import COMPANIES
from tests.support.broker import Broker
from tests.support.database import Database
from vendors import mailchimp


class TestAppChannels:
    async def test_what_a_person_enters_is_what_the_gateway_knows_and_the_former_one_too(
        self, broker: Broker, database: Database
    ) -> None:
        vendors = {one.name: one for one in (COMPANIES, mailchimp.VENDOR)}
        asked = ConsoleBroker(broker.url, lambda: Secret(broker.key("console")))
        secrets = KnownSecrets(broker.url, lambda: Secret(broker.key("ingest")), {ConnectionId("app:companies")})
        pool = await open_pool(database.url("console"), name="console", size=1)
        channels = AppChannels(pool, asked, vendors, "https://hooks.example/")
        try:
            shown = await channels.show("companies")
            assert (shown.address, shown.has_secret) == ("https://hooks.example/hooks/companies/app", False)
            for secret in ("first-verifier", "second-verifier"):
                assert (await channels.enter("companies", Secret(secret))).has_secret
            found = await secrets.of(ConnectionId("app:companies"))
            assert found is not None
            assert [one.reveal() for one in found] == ["second-verifier", "first-verifier"]
            with pytest.raises(Refusal, match="CHANNEL_OF_NO_APP"):
                await channels.show("mailchimp")
        finally:
            await asked.aclose()
            await secrets.aclose()
            await close_pool(pool)
