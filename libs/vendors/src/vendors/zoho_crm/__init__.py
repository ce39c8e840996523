"""Zoho CRM: an account that can be connected."""

from vendors.vendor import Vendor
from vendors.zoho_crm.client import NAME, ZohoCrmProfile, ping
from vendors.zoho_crm.grant import GRANT

VENDOR = Vendor(
    name=NAME,
    title="Zoho CRM",
    profile=ZohoCrmProfile(),
    grant=GRANT,
    ping=ping,
    account_detail="org_id",
)
