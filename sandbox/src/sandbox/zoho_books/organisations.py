"""Organisations and their users, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.zoho_books.call import Call, Reply, done
from sandbox.zoho_books.catalogue import User
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.refusals import absent
from sandbox.zoho_books.stamps import day_of
from sandbox.zoho_books.wire import Document

PLAN_TYPES = {"free": 100, "standard": 120, "professional": 130, "premium": 140, "elite": 150, "ultimate": 160}


def organisation_row(org: Organisation, plan: str, *, is_default: bool) -> Document:
    """An organisation as the list of the user's organisations shows it."""
    created = day_of(org.created, org.time_zone)
    return {
        "organization_id": org.id,
        "name": org.name,
        "contact_name": org.users[0].name,
        "email": org.users[0].email,
        "is_default_org": is_default,
        "plan_type": PLAN_TYPES[plan],
        "plan_name": plan.upper(),
        "plan_period": "Monthly",
        "tax_group_enabled": True,
        "language_code": "en",
        "fiscal_year_start_month": 0,
        "account_created_date": created,
        "account_created_date_formatted": created,
        "time_zone": org.time_zone,
        "country": org.country,
        "is_org_active": True,
        "currency_id": org.base.id,
        "currency_code": org.base.code,
        "currency_symbol": org.base.symbol,
        "currency_format": org.base.format,
        "price_precision": org.base.precision,
    }


def list_organisations(call: Call) -> Reply:
    """All organisations of the token's user in this data centre; no organization_id needed."""
    rows = list(_rows(call.organisations.values(), call))
    return done("success", organizations=rows)


def _rows(organisations: Iterable[Organisation], call: Call) -> Iterable[Document]:
    for at, org in enumerate(organisations):
        yield organisation_row(org, call.plans[org.id], is_default=at == 0)


def get_organisation(call: Call) -> Reply:
    org = call.organisations.get(call.ids["organization_id"])
    if org is None:
        raise absent("Organization")
    first = next(iter(call.organisations))
    detail = organisation_row(org, call.plans[org.id], is_default=org.id == first) | {
        "date_format": "dd MMM yyyy",
        "field_separator": " ",
        "industry_type": "Services",
        "industry_size": "",
        "company_id_label": "Company ID",
        "company_id_value": "",
        "tax_id_label": "Tax ID",
        "tax_id_value": "",
        "org_address": "",
        "remit_to_address": "",
        "phone": "",
        "fax": "",
        "website": "",
        "address": {
            "street_address1": "",
            "street_address2": "",
            "city": "",
            "state": "",
            "country": org.country,
            "zip": "",
        },
        "custom_fields": [],
        "tax_rounding_type": org.tax_rounding,
    }
    return done("success", organization=detail)


def user_view(user: User, current: User) -> Document:
    return {
        "user_id": user.id,
        "role_id": f"{user.id[:-3]}900",
        "name": user.name,
        "email": user.email,
        "user_role": user.role,
        "user_type": "zoho",
        "status": "active",
        "is_current_user": user.id == current.id,
        "photo_url": "",
        "is_customer_segmented": False,
        "is_vendor_segmented": False,
        "is_employee": False,
    }


def list_users(call: Call) -> Reply:
    rows = [user_view(user, call.user) for user in call.org.users]
    return small_page(call, "users", "Users", rows)


def get_user(call: Call) -> Reply:
    user = next((one for one in call.org.users if one.id == call.ids["user_id"]), None)
    if user is None:
        raise absent("User")
    return done("success", user=_detail(call, user))


def get_me(call: Call) -> Reply:
    return done("success", user=_detail(call, call.user))


def _detail(call: Call, user: User) -> Document:
    return user_view(user, call.user) | {
        "email_ids": [{"email": user.email, "is_selected": True}],
        "created_time": call.org.stamp(call.org.created),
    }
