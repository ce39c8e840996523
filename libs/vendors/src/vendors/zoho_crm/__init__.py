"""Zoho CRM: the ten modules of an account as a source; accounts, contacts, invoices, deals and notes as targets."""

from vendors.vendor import Vendor
from vendors.zoho_crm.channel import ZohoCrmChannel
from vendors.zoho_crm.client import NAME, ZohoCrmProfile, ping
from vendors.zoho_crm.editions import lacks, remarks
from vendors.zoho_crm.grant import GRANT
from vendors.zoho_crm.inbox import ZohoCrmInbox
from vendors.zoho_crm.source import ZohoCrmSource
from vendors.zoho_crm.targets import TARGETS

VENDOR = Vendor(
    name=NAME,
    title="Zoho CRM",
    profile=ZohoCrmProfile(),
    grant=GRANT,
    inbox=ZohoCrmInbox(),
    source=ZohoCrmSource(),
    targets=TARGETS,
    # A fifth of the vendor's own number stays for reads.
    writes_at_once=8,
    remarks=remarks,
    lacks=lacks,
    channel=ZohoCrmChannel(),
    ping=ping,
    account_detail="org_id",
)
