"""Everything a shop holds, as plain JSON for a checker."""

from __future__ import annotations

from sandbox.shopify import bodies, order_body
from sandbox.shopify.apps import App
from sandbox.shopify.bodies import moment
from sandbox.shopify.call import Document
from sandbox.shopify.customer import Customer
from sandbox.shopify.shop import Shop


def of_shop(shop: Shop, apps: list[App]) -> Document:
    return {
        "domain": shop.myshopify_domain,
        "currency": shop.currency_code,
        "condition": shop.condition,
        "orders": {str(one.legacy_resource_id): order_body.order(one) for one in shop.orders.values()},
        "transactions": {
            str(each.number): bodies.transaction(each, one) for one in shop.orders.values() for each in one.payments
        },
        "customers": {str(one.legacy_resource_id): of_customer(one, shop) for one in shop.customers.values()},
        "draft_orders": {
            str(one.legacy_resource_id): {"name": one.name, "status": one.status, "order": one.order.id if one.order else None}
            for one in shop.drafts.values()
        },
        "webhook_subscriptions": {
            str(one.legacy_resource_id): {
                "app": one.app, "topic": one.topic, "uri": one.uri, "name": one.name, "filter": one.filter,
                "include_fields": one.include_fields, "version": one.version, "created_at": moment(one.created_at),
            }
            for one in shop.hooks.values()
        },
        "deleted_webhook_subscriptions": shop.deleted_hooks,
        "bulk_operations": {str(one.number): {"status": one.status, "objects": one.object_count} for one in shop.bulk.values()},
        "deleted": shop.deleted,
        "mails": shop.mails,
        "grants": [
            {
                "app": app.key,
                "scopes": app.grants[shop.handle].scopes,
                "expiring": app.grants[shop.handle].current is not None,
                "endless": len(app.grants[shop.handle].endless),
            }
            for app in apps
            if shop.handle in app.grants
        ],
    }  # fmt: skip


def of_customer(found: Customer, shop: Shop) -> Document:
    return bodies.customer(found, shop.currency_code) | {
        "tags": found.tags,
        "email_marketing_state": found.marketing_state,
    }
