"""What a payment for a draft teaches, where Books takes it and does not post the invoice."""

from datetime import UTC, datetime
from typing import Any

import pytest

from vendors import zoho_books
from vendors.absorbing import ActDone, Seen
from vendors.acts import Act, Done
from vendors.target_record import TargetRecord
from vendors.zoho_books.invoice_paths import BALANCE, CONTENT, DRAFTS_TAKE_PAYMENTS, PAYMENT, STATUS

TARGET = zoho_books.VENDOR.targets["invoice"]  # type: ignore[index]
AT = datetime(2026, 5, 5, tzinfo=UTC)
DRAFT = TargetRecord(exists=True, met=True, id="1", seen={STATUS: "draft", BALANCE: "10", CONTENT: {}})
PAID: dict[str, Any] = {PAYMENT + "t1": {"amount": "10"}, BALANCE: "0"}


class TestPaymentForADraft:
    @pytest.mark.parametrize(("status", "posts"), [("draft", False), ("paid", True)])
    def test_teaches_once_the_invoice_is_seen(self, status: str, posts: bool) -> None:
        act = Act("pay", "o1", PAID, memory={"id": "1", STATUS: "draft", "tries": True})
        done = TARGET.absorb(DRAFT, ActDone(act, Done(), AT, AT))
        assert (done.record.doubtful, dict(done.lessons)) == (True, {})
        shown = TargetRecord(exists=True, id="1", seen={**DRAFT.seen, **PAID, STATUS: status})
        seen = TARGET.absorb(done.record, Seen(shown, AT, AT))
        assert (seen.record.doubtful, dict(seen.lessons)) == (False, {DRAFTS_TAKE_PAYMENTS: posts})
        assert dict(TARGET.absorb(seen.record, Seen(shown, AT, AT)).lessons) == {}
