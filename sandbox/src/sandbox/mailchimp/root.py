"""`GET /` and `GET /ping`: who the account is, and whether it is well."""

from __future__ import annotations

from sandbox.mailchimp.call import Call, Reply
from sandbox.mailchimp.member import iso


def get(call: Call) -> Reply:
    """What labels a connection, and tells two connections to one account apart."""
    account = call.account
    subscribed = sum(audience.statuses["subscribed"] for audience in account.audiences.values())
    document = {
        "account_id": account.digest("account")[:25],
        "login_id": str(account.user_id),
        "account_name": f"Demo Company ({account.name})",
        "email": account.user,
        "first_name": "Demo",
        "last_name": "Owner",
        "username": account.user,
        "avatar_url": "",
        "role": "owner",
        "member_since": iso(account.created_at),
        "pricing_plan_type": "monthly",
        "first_payment": iso(account.created_at),
        "account_timezone": "UTC",
        "account_industry": "",
        "contact": contact(),
        "pro_enabled": call.switches.plan == "premium",
        "last_login": iso(call.now),
        "total_subscribers": subscribed,
        "industry_stats": {"open_rate": 0, "bounce_rate": 0, "click_rate": 0},
    }
    return call.shown(document)


def contact() -> dict[str, str]:
    return {
        "company": "Demo Company",
        "addr1": "675 Ponce de Leon Ave NE",
        "addr2": "",
        "city": "Atlanta",
        "state": "GA",
        "zip": "30308",
        "country": "US",
    }


def ping(call: Call) -> Reply:
    return call.shown({"health_status": "Everything's Chimpy!"})
