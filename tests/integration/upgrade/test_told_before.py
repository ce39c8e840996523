"""Invoices and payments that were told of before there were facts are what facts are made of."""

from __future__ import annotations

import shutil
from pathlib import Path

from common.contracts.facts import kept_fields
from common.contracts.ids import ConnectionId, Entity, RecordId
from common.state.migration import MIGRATIONS, migrate
from common.state.pool import close_pool, open_pool, transaction
from mapper import feed_rows, state_rows
from mapper.facts import facts_of
from mapper.state_rows import Key
from tests.integration.mapper.test_facts import NOON, invoice
from tests.support.database import Database

FACTS = 115


async def test_rows_are_made_of_what_is_stored(empty_database: Database, tmp_path: Path) -> None:
    for one in MIGRATIONS.glob("*.sql"):
        if int(one.name[:4]) < FACTS:
            shutil.copy(one, tmp_path)
    await migrate(empty_database.owner_url, tmp_path)
    owner = await open_pool(empty_database.owner_url, name="test owner", size=1)
    fields = dict(invoice("i", "c", number="A-1", total="12.00").fields) | {"custom.cf_crm_deal_id": " 700 "}
    stored = (
        ("invoice", "i", fields, False), ("invoice", "gone", fields, True), ("invoice", "nobody's", {"status": "sent"}, False),
        ("payment", "p", {"customer_id": "c", "paid_on": "2026-05-01", "amount": "1"}, False), ("customer", "c", {"email": "a"}, False),
    )  # fmt: skip
    try:
        async with transaction(owner) as tx:
            await tx.executemany(
                "insert into flow.record_state (connection, entity, record, fields, sequence, deleted, first_at, changed_at)"
                " values ('books', $1, $2, $3, '1', $4, $5, $5)",
                [(*row, NOON) for row in stored],
            )
        await migrate(empty_database.owner_url)
        async with transaction(owner) as tx:
            key = Key(ConnectionId("books"), Entity("customer"), RecordId("c"))
            deal = Key(ConnectionId("books"), Entity("deal"), RecordId("700"))
            told = await feed_rows.telling_of(tx, [key, deal])
            rows, (named,) = told[key], told[deal]
            (known,) = (await state_rows.lock_known(tx, [deal])).values()
        assert {(row.entity, row.record) for row in rows} == {("invoice", "i"), ("payment", "p")}
        for row in rows:
            assert set(row.fields) == set(kept_fields(row.entity))
        assert (named.record, named.fields["named_by"], known.record()) == ("i", "custom field", {"id": "700"})
        assert facts_of([named], NOON.date()).values["invoiced"] == "12.00"
        values = facts_of(rows, NOON.date()).values
        assert (values["invoice_count"], values["outstanding"], values["last_payment_on"]) == (1, "10.00", "2026-05-01")
    finally:
        await close_pool(owner)
