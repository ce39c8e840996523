"""Zoho Books: customers, invoices and payments of an organisation."""

from vendors.vendor import Vendor
from vendors.zoho_books.client import NAME, ZohoBooksProfile

VENDOR = Vendor(name=NAME, title="Zoho Books", profile=ZohoBooksProfile())
