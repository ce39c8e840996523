"""The account itself: its edition, its people, its currencies (sheet, corrections)."""

from __future__ import annotations

from sandbox.zoho_crm.call import Call, Reply
from sandbox.zoho_crm.organisation import User
from sandbox.zoho_crm.refusals import Document


def get_org(call: Call) -> Reply:
    """`license_details.paid_type` tells the edition."""
    org, switches = call.org, call.switches
    licence = {
        "paid": switches.edition != "free", "paid_type": switches.edition, "paid_expiry": None, "trial_type": None,
        "trial_expiry": None, "users_license_purchased": switches.users, "portal_users_license_purchased": 0,
    }  # fmt: skip
    row = {
        "id": org.id, "zgid": org.id, "company_name": org.name, "domain_name": f"org{org.id[-8:]}", "country_code": org.country,
        "country": org.country, "time_zone": org.time_zone, "currency": org.base, "iso_code": org.base, "currency_symbol": org.base,
        "currency_locale": "en_GB", "mc_status": True, "type": "production", "primary_zuid": org.users[0].zuid,
        "primary_email": org.users[0].email, "license_details": licence, "privacy_settings": False,
        "translation_enabled": False, "gapps_enabled": False, "deletable_org_account": False,
    }  # fmt: skip
    return Reply(200, {"org": [row]})


def list_users(call: Call) -> Reply:
    """All of them, or with `type=CurrentUser` whoever asks."""
    asked = [call.user] if call.param("type") == "CurrentUser" else call.org.users
    rows = [_user(call, one) for one in asked]
    return Reply(200, {"users": rows, "info": {"per_page": 200, "count": len(rows), "page": 1, "more_records": False}})


def get_user(call: Call) -> Reply:
    found = [one for one in call.org.users if one.id == call.ids["user_id"]]
    return Reply(200, {"users": [_user(call, found[0])]}) if found else Reply(204)


def _user(call: Call, one: User) -> Document:
    first, _, last = one.name.partition(" ")
    return {
        "id": one.id, "zuid": one.zuid, "email": one.email, "full_name": one.name, "first_name": first, "last_name": last,
        "status": "active", "confirm": True, "time_zone": call.org.time_zone,
        "role": {"name": "CEO", "id": call.org.id}, "profile": {"name": "Administrator", "id": call.org.id},
    }  # fmt: skip


def list_currencies(call: Call) -> Reply:
    rows = [
        {"id": f"{call.org.id}{at}", "iso_code": code, "name": code, "symbol": code, "is_active": True, "is_base": code == call.org.base}
        for at, code in enumerate(call.org.enabled)
    ]  # fmt: skip
    return Reply(200, {"currencies": rows})
