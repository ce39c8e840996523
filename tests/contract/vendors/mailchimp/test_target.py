"""Members, written: the shared suite."""

from __future__ import annotations

from common.contracts.ids import Entity
from tests.contract.vendors.mailchimp import account
from tests.contract.vendors.target_suite import TargetSuite
from vendors import mailchimp


class TestMailchimpTarget(TargetSuite):
    vendor = mailchimp.VENDOR
    entity = Entity("member")
    opened = account.opened
