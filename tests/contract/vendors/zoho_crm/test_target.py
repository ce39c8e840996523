"""Accounts and contacts of Zoho CRM, written: the shared suite."""

from __future__ import annotations

from functools import partial

from common.contracts.ids import Entity
from tests.contract.vendors.target_suite import TargetSuite
from tests.contract.vendors.zoho_crm import account
from vendors import zoho_crm


class TestZohoCrmAccounts(TargetSuite):
    vendor = zoho_crm.VENDOR
    entity = Entity("customer")
    opened = partial(account.written, entity="customer")


class TestZohoCrmContacts(TargetSuite):
    vendor = zoho_crm.VENDOR
    entity = Entity("person")
    opened = partial(account.written, entity="person")
