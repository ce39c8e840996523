"""QuickBooks Online: the customers of a company as a source, without any amount; lines in their notes as a target."""

from datetime import timedelta

from vendors.own_webhooks import OwnWebhooks
from vendors.quickbooks.client import NAME, QuickBooksProfile, page, ping
from vendors.quickbooks.inbox import QuickBooksInbox
from vendors.quickbooks.listing import CUSTOMER
from vendors.quickbooks.note_knowing import is_ours
from vendors.quickbooks.oauth import GRANT
from vendors.quickbooks.queries import MOST_IDS
from vendors.quickbooks.source import QuickBooksSource
from vendors.quickbooks.targets import CUSTOMER_NOTE, TARGETS
from vendors.read_costs import ReadCosts
from vendors.vendor import Vendor

VENDOR = Vendor(
    name=NAME,
    title="QuickBooks Online",
    profile=QuickBooksProfile(),
    grant=GRANT,
    app_inbox=QuickBooksInbox(),
    source=QuickBooksSource(),
    targets=TARGETS,
    reads=ReadCosts(together=MOST_IDS, gathered_for=timedelta(milliseconds=500), whole_every=timedelta(days=7)),
    ping=ping,
    page=page,
    account_detail="realm_id",
    ranks={CUSTOMER: "level"},
    own_webhooks={CUSTOMER: OwnWebhooks(CUSTOMER_NOTE, is_ours)},
)
