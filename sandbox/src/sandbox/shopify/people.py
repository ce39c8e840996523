"""What people do outside the API: buy, edit, pay, take back, cancel, uninstall, rotate a secret, ask for their data.

A test or a demo plays them by `POST /_sandbox/shopify/{shop}/people`; subscribers hear of it as of everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.shopify import bodies, customer_changes, drafting, inputs, order_changes, posting, telling
from sandbox.shopify.apps import App
from sandbox.shopify.call import Call, Document, Refusal
from sandbox.shopify.order import Order
from sandbox.shopify.parcels import Fulfillment
from sandbox.shopify.refunding import refunded
from sandbox.shopify.selling import line_of, placed, taxed
from sandbox.shopify.world import PUBLIC

REDACTED_AFTER = timedelta(hours=48)


class People:
    """One shop's people; each action answers with what it came to."""

    def __init__(self, call: Call, body: Document) -> None:
        self._call, self._body = call, body
        self.messages: list[Any] = []  # privacy messages, which no subscription asked for
        self.later: list[tuple[timedelta, str, str, Document]] = []

    def act(self) -> Document:
        """Raises ValueError for what cannot be, KeyError for who is not there."""
        actions: dict[str, Callable[[], Document]] = {
            "place_order": self._place,
            "edit_order": self._edit,
            "reword_order": self._reword,
            "pay_order": self._pay,
            "fulfil_order": self._fulfil,
            "refund_order": self._refund,
            "cancel_order": self._cancel,
            "delete_order": self._delete,
            "draft_order": self._draft,
            "complete_draft": self._complete,
            "customer": self._customer,
            "delete_customer": self._delete_customer,
            "merge_customers": self._merge,
            "uninstall": self._uninstall,
            "lose_subscriptions": self._lose,
            "rotate_secret": self._rotate,
            "revoke_secret": self._revoke,
            "privacy_address": self._privacy_address,
            "privacy": self._privacy,
            "condition": self._condition,
            "scopes": self._scopes,
        }
        wanted = self._body.get("action")
        if wanted not in actions:
            raise ValueError(f"action is one of {', '.join(actions)}")
        return actions[str(wanted)]()

    # Orders

    def _place(self) -> Document:
        order = placed(self._call, inputs.read("order", self._body.get("order")))
        telling.order_created(self._call, order)
        return self._told(order)

    def _edit(self) -> Document:
        """Lines added to an order: `orders/edited` tells of the edit alone."""
        order, wish = self._order(), inputs.read("order", self._body.get("order"))
        added = [line_of(self._call, one, order.currencies) for one in wish.get("line_items") or ()]
        known = [{"tax_lines": None}] * len(order.line_items)
        kept = [line.taxes for line in order.line_items]
        sent = [one.tax_lines for one in order.shipping_rows]
        order.line_items += added
        wishes = {"line_items": [*known, *wish.get("line_items", ())], "shipping_lines": [{}] * len(sent)}
        taxed(order, wishes | {"tax_lines": wish.get("tax_lines")})
        for line, taxes in zip(order.line_items, kept, strict=False):
            line.taxes = taxes
        for shipping, taxes in zip(order.shipping_rows, sent, strict=True):
            shipping.tax_lines = taxes
        order.was_edited = True
        telling.order_edited(self._call, order)
        return self._told(order)

    def _reword(self) -> Document:
        order, wish = self._order(), inputs.read("order", self._body.get("order"))
        if order_changes.reworded(self._call, order, wish):
            telling.order_changed(self._call, order)
        return self._told(order)

    def _pay(self) -> Document:
        order = self._order()
        if not order_changes.marked_paid(self._call, order, str(self._body.get("gateway") or "shopify_payments")):
            raise ValueError("nothing is outstanding")
        return self._told(order)

    def _fulfil(self) -> Document:
        order = self._order()
        parcel = Fulfillment(self._call.shop.new_id(), f"{order.name}-F{len(order.parcels) + 1}", self._call.now)
        order.parcels.append(parcel)
        body = {"id": parcel.number, "order_id": order.legacy_resource_id, "status": "success", "name": parcel.name}
        self._call.tell("FULFILLMENTS_CREATE", body)
        telling.order_changed(self._call, order, "ORDERS_FULFILLED")
        return self._told(order)

    def _refund(self) -> Document:
        order = self._order()
        wish = inputs.read("refund", self._body.get("refund"))
        refund = refunded(self._call, order, wish)
        telling.order_refunded(self._call, order, refund)
        return self._told(order) | {"refund": refund.id}

    def _cancel(self) -> Document:
        order = self._order()
        if order.cancelled_at is not None:
            raise ValueError("the order is cancelled already")
        back = self._body.get("refund") is not False
        order_changes.cancelled(self._call, order, "CUSTOMER", refund=back, restock=True)
        return self._told(order)

    def _delete(self) -> Document:
        order = self._order()
        order_changes.deleted(self._call, order)
        return {"id": order.id}

    def _draft(self) -> Document:
        draft = drafting.drafted(self._call, inputs.read("draft", self._body.get("draft")))
        return {"id": draft.id, "name": draft.name}

    def _complete(self) -> Document:
        draft = drafting.completed(self._call, str(self._body.get("draft")), pending=bool(self._body.get("pending")))
        assert draft.order is not None
        return self._told(draft.order)

    # Customers

    def _customer(self) -> Document:
        wish = inputs.read("customer", self._body.get("customer"))
        if wish.get("id"):
            return {"id": customer_changes.changed(self._call, self._call.customer(wish["id"]), wish).id}
        return {"id": customer_changes.created(self._call, wish).id}

    def _delete_customer(self) -> Document:
        customer = self._call.customer(str(self._body.get("id")))
        customer_changes.removed(self._call, customer)
        return {"id": customer.id}

    def _merge(self) -> Document:
        kept, gone = (self._call.customer(str(self._body.get(name))) for name in ("kept", "gone"))
        if kept is gone:
            raise ValueError("a customer is not merged with itself")
        customer_changes.merged(self._call, kept, gone)
        return {"id": kept.id}

    # The application

    def _app(self) -> App:
        own = self._body.get("app", PUBLIC) != PUBLIC
        return self._call.world.custom(self._call.shop.handle) if own else self._call.world.apps[PUBLIC]

    def _uninstall(self) -> Document:
        """Tokens die, who listens is told, the subscriptions go; two days later the shop's data has to."""
        app, shop = self._app(), self._call.shop
        app.grants.pop(shop.handle, None)
        body = bodies.uninstalled(shop)
        self._call.tell("APP_UNINSTALLED", body)
        self.later.append(
            (REDACTED_AFTER, app.key, "shop/redact", {"shop_id": 548_380_009, "shop_domain": shop.myshopify_domain})
        )
        return {"uninstalled": app.key}

    def drop_hooks(self) -> None:
        """After the last message went out."""
        if self._body.get("action") == "uninstall":
            hooks, app = self._call.shop.hooks, self._app()
            for number in [number for number, hook in hooks.items() if hook.app == app.key]:
                del hooks[number]

    def _lose(self) -> Document:
        """As after eight repeats in vain: they are gone, and a mail that nobody reads says so."""
        shop, app = self._call.shop, self._app()
        gone = [hook for hook in shop.hooks.values() if hook.app == app.key]
        for hook in gone:
            posting.dropped(shop, hook.legacy_resource_id)
        return {"lost": sorted(hook.topic for hook in gone)}

    def _rotate(self) -> Document:
        return {"client_secret": self._app().rotate()}

    def _revoke(self) -> Document:
        self._app().revoke_oldest(self._call.now)
        return {"revoked": True}

    def _privacy_address(self) -> Document:
        self._app().privacy_uri = str(self._body.get("uri"))
        return {"uri": self._app().privacy_uri}

    def _privacy(self) -> Document:
        """`customers/data_request`, `customers/redact`, `shop/redact`, sent at once."""
        topic, shop = str(self._body.get("topic")), self._call.shop
        if topic not in posting.PRIVACY:
            raise ValueError(f"topic is one of {', '.join(posting.PRIVACY)}")
        body: Document = {"shop_id": 548_380_009, "shop_domain": shop.myshopify_domain}
        if topic.startswith("customers/"):
            customer = self._call.customer(str(self._body.get("customer")))
            orders = [one.legacy_resource_id for one in shop.orders_of(customer)]
            body["customer"] = {"id": customer.legacy_resource_id, "email": customer.email, "phone": customer.phone}
            body |= (
                {"orders_requested": orders, "data_request": {"id": shop.new_id()}}
                if "data" in topic
                else {"orders_to_redact": orders}
            )
        message = posting.privacy(self._call.world, self._app(), shop, topic, body, self._call.now)
        if message is None:
            raise ValueError("the application has no address for privacy topics: privacy_address sets one")
        self.messages.append(message)
        return body

    def _condition(self) -> Document:
        wanted = str(self._body.get("is") or "")
        if wanted not in ("", "frozen", "locked"):
            raise ValueError("a shop is frozen, locked, or neither")
        self._call.shop.condition = wanted
        return {"condition": wanted}

    def _scopes(self) -> Document:
        """What this shop grants, from now on and at once."""
        wanted = self._body.get("granted")
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
            raise ValueError("granted is a list of scopes")
        self._call.shop.granted = tuple(wanted)
        for app in self._call.world.apps.values():
            if grant := app.grants.get(self._call.shop.handle):
                grant.scopes = list(wanted) if app.custom else [one for one in grant.scopes if one in wanted]
        return {"granted": wanted}

    def _order(self) -> Order:
        found = self._call.shop.orders.get(int(str(self._body.get("id", "0")).rpartition("/")[2] or 0))
        if found is None:
            raise Refusal("there is no such order")
        return found

    def _told(self, order: Order) -> Document:
        return {"id": order.id, "name": order.name, "total": order.total_price_set.presentment_money.amount}
