"""Mailchimp: the members of audiences, and the events that audiences tell."""

from common.contracts.ids import Entity
from vendors.mailchimp import listing
from vendors.mailchimp.channel import MailchimpChannel
from vendors.mailchimp.client import NAME, MailchimpProfile, ping
from vendors.mailchimp.events import SUBSCRIPTION
from vendors.mailchimp.inbox import MailchimpInbox
from vendors.mailchimp.limits import AT_ONCE
from vendors.mailchimp.oauth import GRANT
from vendors.mailchimp.source import MailchimpSource
from vendors.mailchimp.target import MailchimpTarget
from vendors.mailchimp.target_listing import MemberListing
from vendors.vendor import ReadBack, Vendor

MEMBER = Entity("member")

VENDOR = Vendor(
    name=NAME,
    title="Mailchimp",
    profile=MailchimpProfile(),
    grant=GRANT,
    inbox=MailchimpInbox(),
    source=MailchimpSource(),
    channel=MailchimpChannel(),
    ping=ping,
    account_detail="account_id",
    listings={MEMBER: MemberListing()},
    read_back=ReadBack({MEMBER: SUBSCRIPTION}, listing.cursor_at),
    targets={MEMBER: MailchimpTarget()},
    # Those of the vendor's ten that are ours.
    writes_at_once=AT_ONCE - 2,
)
