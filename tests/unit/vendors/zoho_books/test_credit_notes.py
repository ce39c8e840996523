"""A credit note that the list does not show yet is there all the same: nobody has deleted it."""

from datetime import UTC, datetime, timedelta

from vendors import zoho_books
from vendors.absorbing import ActDone, Seen
from vendors.acts import Act, Done
from vendors.target_record import TargetRecord
from vendors.zoho_books.invoice_paths import CREDIT, credit_key

TARGET = zoho_books.VENDOR.targets["invoice"]  # type: ignore[index]
AT = datetime(2026, 5, 5, tzinfo=UTC)
NOWHERE = TargetRecord(exists=False)


class TestCreditNote:
    def test_that_was_just_made_is_looked_for_again_until_lists_have_followed(self) -> None:
        made = Act("credit", credit_key("o1", "r1"), {CREDIT: {}})
        known = TARGET.absorb(NOWHERE, ActDone(made, Done(id="9"), AT, AT)).record
        soon, later = AT + timedelta(seconds=5), AT + timedelta(minutes=2)
        missed = TARGET.absorb(known, Seen(NOWHERE, soon, soon)).record
        assert (missed.exists, missed.doubtful, missed.id) == (True, True, "9")
        gone = TARGET.absorb(known, Seen(NOWHERE, later, later)).record
        assert (gone.exists, gone.met) == (False, True)
