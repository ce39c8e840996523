"""The product's side of the ledger, which is registered in tests only."""

from typing import cast

from common.contracts.ids import Entity
from tests.support.ledger.vendor.client import NAME, LedgerProfile, ping
from tests.support.ledger.vendor.document import DocumentTarget
from tests.support.ledger.vendor.note import NoteTarget
from tests.support.ledger.vendor.party import ContactTarget, PartyTarget
from tests.support.ledger.vendor.source import LedgerSource
from vendors.vendor import Source, Vendor

PARTY, DOCUMENT, NOTE, CONTACT = Entity("party"), Entity("document"), Entity("note"), Entity("contact")

VENDOR = Vendor(
    name=NAME,
    title="Ledger",
    profile=LedgerProfile(),
    ping=ping,
    account_detail="account",
    source=cast(Source, LedgerSource()),
    targets={PARTY: PartyTarget(), DOCUMENT: DocumentTarget(), NOTE: NoteTarget(), CONTACT: ContactTarget()},
)
