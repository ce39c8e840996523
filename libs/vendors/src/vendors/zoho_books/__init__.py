"""Zoho Books: customers, invoices and payments of an organisation."""

from common.contracts.ids import Entity
from vendors.inner_records import InnerRecords
from vendors.vendor import Vendor
from vendors.zoho.own_sync import BOOKS_WITH_CRM
from vendors.zoho_books import contact_persons
from vendors.zoho_books.channel import ZohoBooksChannel
from vendors.zoho_books.client import NAME, ZohoBooksProfile, ping
from vendors.zoho_books.contacts import ContactTarget
from vendors.zoho_books.grant import GRANT
from vendors.zoho_books.inbox import ZohoBooksInbox
from vendors.zoho_books.invoice_figures import INVOICE_FIGURES
from vendors.zoho_books.invoice_listing import InvoiceListing
from vendors.zoho_books.invoices import InvoiceTarget
from vendors.zoho_books.limits import AT_ONCE
from vendors.zoho_books.persons import PersonTarget
from vendors.zoho_books.source import ZohoBooksSource

VENDOR = Vendor(
    name=NAME,
    title="Zoho Books",
    profile=ZohoBooksProfile(),
    grant=GRANT,
    inbox=ZohoBooksInbox(),
    source=ZohoBooksSource(),
    targets={Entity("customer"): ContactTarget(), Entity("person"): PersonTarget(), Entity("invoice"): InvoiceTarget()},
    remarks=contact_persons.remarks,
    inner={Entity("person"): InnerRecords(Entity("customer"), "persons", "company", contact_persons.of_customer)},
    listings={Entity("invoice"): InvoiceListing()},
    # Each record has calls of its own. What a smaller plan allows the budget knows.
    writes_at_once=AT_ONCE - 2,
    money={Entity("invoice"): INVOICE_FIGURES},
    channel=ZohoBooksChannel(),
    own_syncs=(BOOKS_WITH_CRM,),
    ping=ping,
    account_detail="organization_id",
)
