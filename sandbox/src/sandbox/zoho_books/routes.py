"""Every address the vendor answers here: method, template, scope, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.zoho_books import (
    addresses,
    comments,
    contacts,
    credit_notes,
    credit_refunds,
    currencies,
    field_list,
    hook_api,
    invoice_credits,
    invoice_list,
    invoices,
    items,
    organisations,
    payments,
    persons,
    rule_api,
    tags,
    taxes,
)
from sandbox.zoho_books.call import Call, Reply
from sandbox.zoho_books.paper_views import paper_routes
from sandbox.zoho_books.refusals import unknown_path, wrong_method

Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `needs_organisation` is false only for the list of organisations."""

    method: str
    template: str
    scope: str
    handler: Handler
    needs_organisation: bool = True

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.template.strip("/").split("/"))


OPERATIONS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}


def _routes(module: str, *entries: tuple[str, str, Handler]) -> list[Route]:
    return [
        Route(method, template, f"ZohoBooks.{module}.{OPERATIONS[method]}", handler)
        for method, template, handler in entries
    ]


CONTACT = "/contacts/{contact_id}"
PERSON = "/contacts/contactpersons/{contact_person_id}"
INVOICE = "/invoices/{invoice_id}"
PAYMENT = "/customerpayments/{payment_id}"
NOTE = "/creditnotes/{creditnote_id}"
CURRENCY = "/settings/currencies/{currency_id}"
RATE = CURRENCY + "/exchangerates/{exchange_rate_id}"
HOOK = "/settings/webhooks/{webhook_id}"
RULE = "/settings/workflows/{workflow_id}"

ROUTES: Sequence[Route] = [
    Route("GET", "/organizations", "ZohoBooks.settings.READ", organisations.list_organisations, False),
    Route("GET", "/organizations/{organization_id}", "ZohoBooks.settings.READ", organisations.get_organisation, False),
    *_routes(
        "contacts",
        ("GET", "/contacts", contacts.list_contacts),
        ("POST", "/contacts", contacts.create_contact),
        ("PUT", "/contacts", contacts.upsert_contact),
        ("GET", "/contacts/contactpersons", persons.list_all),
        ("POST", "/contacts/contactpersons", persons.create_person),
        ("GET", PERSON, persons.get_person),
        ("PUT", PERSON, persons.update_person),
        ("DELETE", PERSON, persons.delete_person),
        ("POST", PERSON + "/primary", persons.make_primary),
        ("GET", CONTACT, contacts.get_contact),
        ("PUT", CONTACT, contacts.update_contact),
        ("DELETE", CONTACT, contacts.delete_contact),
        ("POST", CONTACT + "/active", contacts.activate_contact),
        ("POST", CONTACT + "/inactive", contacts.deactivate_contact),
        ("GET", CONTACT + "/contactpersons", persons.list_of_contact),
        ("GET", CONTACT + "/contactpersons/{contact_person_id}", persons.get_person),
        ("GET", CONTACT + "/comments", comments.list_contact_comments),
        ("POST", CONTACT + "/comments", comments.add_contact_comment),
        ("DELETE", CONTACT + "/comments/{comment_id}", comments.delete_contact_comment),
        ("PUT", CONTACT + "/tags", contacts.put_tags),
        ("DELETE", CONTACT + "/tags/{tag_id}", contacts.delete_tag),
        ("GET", CONTACT + "/address", addresses.list_addresses),
        ("POST", CONTACT + "/address", addresses.add_address),
        ("PUT", CONTACT + "/address/{address_id}", addresses.update_address),
        ("DELETE", CONTACT + "/address/{address_id}", addresses.delete_address),
        ("GET", CONTACT + "/refunds", contacts.list_refunds),
    ),
    *_routes(
        "invoices",
        ("GET", "/invoices", invoice_list.list_invoices),
        ("POST", "/invoices", invoices.create_invoice),
        ("PUT", "/invoices", invoices.upsert_invoice),
        ("GET", INVOICE, invoices.get_invoice),
        ("PUT", INVOICE, invoices.update_invoice),
        ("DELETE", INVOICE, invoices.delete_invoice),
        ("POST", INVOICE + "/status/sent", invoices.mark_sent),
        ("POST", INVOICE + "/status/void", invoices.mark_void),
        ("POST", INVOICE + "/status/draft", invoices.mark_draft),
        ("POST", INVOICE + "/email", invoices.send_email),
        ("POST", INVOICE + "/writeoff", invoices.write_off),
        ("POST", INVOICE + "/writeoff/cancel", invoices.cancel_write_off),
        ("GET", INVOICE + "/payments", payments.payments_of_invoice),
        ("DELETE", INVOICE + "/payments/{invoice_payment_id}", payments.delete_payment_of_invoice),
        ("GET", INVOICE + "/creditsapplied", invoice_credits.list_credits),
        ("POST", INVOICE + "/credits", invoice_credits.apply_credits),
        ("GET", INVOICE + "/comments", comments.list_invoice_comments),
        ("POST", INVOICE + "/comments", comments.add_invoice_comment),
        ("DELETE", INVOICE + "/comments/{comment_id}", comments.delete_invoice_comment),
    ),
    *_routes(
        "customerpayments",
        ("GET", "/customerpayments", payments.list_payments),
        ("POST", "/customerpayments", payments.create_payment),
        ("PUT", "/customerpayments", payments.upsert_payment),
        ("GET", PAYMENT, payments.get_payment),
        ("PUT", PAYMENT, payments.update_payment),
        ("DELETE", PAYMENT, payments.delete_payment),
        ("GET", PAYMENT + "/refunds", payments.list_refunds),
        ("POST", PAYMENT + "/refunds", payments.add_refund),
    ),
    *_routes(
        "creditnotes",
        ("GET", "/creditnotes", credit_notes.list_credit_notes),
        ("POST", "/creditnotes", credit_notes.create_credit_note),
        ("PUT", "/creditnotes", credit_notes.upsert_credit_note),
        ("GET", NOTE, credit_notes.get_credit_note),
        ("PUT", NOTE, credit_notes.update_credit_note),
        ("DELETE", NOTE, credit_notes.delete_credit_note),
        ("POST", NOTE + "/status/void", credit_notes.mark_void),
        ("POST", NOTE + "/status/draft", credit_notes.mark_draft),
        ("POST", NOTE + "/status/open", credit_notes.mark_open),
        ("GET", NOTE + "/invoices", credit_notes.list_applied),
        ("POST", NOTE + "/invoices", credit_notes.apply_to_invoices),
        ("DELETE", NOTE + "/invoices/{creditnote_invoice_id}", credit_notes.take_back),
        ("GET", NOTE + "/refunds", credit_refunds.list_refunds),
        ("POST", NOTE + "/refunds", credit_refunds.add_refund),
    ),
    *_routes(
        "settings",
        ("GET", "/users", organisations.list_users),
        ("GET", "/users/me", organisations.get_me),
        ("GET", "/users/{user_id}", organisations.get_user),
        ("GET", "/items", items.list_items),
        ("POST", "/items", items.create_item),
        ("PUT", "/items", items.upsert_item),
        ("GET", "/items/{item_id}", items.get_item),
        ("PUT", "/items/{item_id}", items.update_item),
        ("DELETE", "/items/{item_id}", items.delete_item),
        ("POST", "/items/{item_id}/active", items.activate_item),
        ("POST", "/items/{item_id}/inactive", items.deactivate_item),
        ("GET", "/settings/fields", field_list.list_fields),
        ("GET", "/settings/currencies", currencies.list_currencies),
        ("POST", "/settings/currencies", currencies.create_currency),
        ("GET", CURRENCY, currencies.get_currency),
        ("PUT", CURRENCY, currencies.update_currency),
        ("DELETE", CURRENCY, currencies.delete_currency),
        ("GET", CURRENCY + "/exchangerates", currencies.list_rates),
        ("POST", CURRENCY + "/exchangerates", currencies.create_rate),
        ("GET", RATE, currencies.get_rate),
        ("PUT", RATE, currencies.update_rate),
        ("DELETE", RATE, currencies.delete_rate),
        ("GET", "/settings/taxes", taxes.list_taxes),
        ("POST", "/settings/taxes", taxes.create_tax),
        ("GET", "/settings/taxes/{tax_id}", taxes.get_tax),
        ("PUT", "/settings/taxes/{tax_id}", taxes.update_tax),
        ("DELETE", "/settings/taxes/{tax_id}", taxes.delete_tax),
        ("POST", "/settings/taxgroups", taxes.create_group),
        ("GET", "/settings/taxgroups/{tax_group_id}", taxes.get_group),
        ("PUT", "/settings/taxgroups/{tax_group_id}", taxes.update_group),
        ("DELETE", "/settings/taxgroups/{tax_group_id}", taxes.delete_group),
        ("GET", "/settings/taxauthorities", taxes.list_authorities),
        ("POST", "/settings/taxauthorities", taxes.create_authority),
        ("GET", "/settings/taxauthorities/{tax_authority_id}", taxes.get_authority),
        ("GET", "/settings/taxexemptions", taxes.list_exemptions),
        ("POST", "/settings/taxexemptions", taxes.create_exemption),
        ("GET", "/settings/taxexemptions/{tax_exemption_id}", taxes.get_exemption),
        ("GET", "/reportingtags", tags.list_tags),
        ("POST", "/reportingtags", tags.create_tag),
        ("DELETE", "/reportingtags/{tag_id}", tags.delete_tag),
        ("PUT", "/reportingtags/{tag_id}/options", tags.put_options),
        ("GET", "/reportingtags/{tag_id}/options/all", tags.list_options),
        ("GET", "/settings/webhooks", hook_api.list_hooks),
        ("POST", "/settings/webhooks", hook_api.create_hook),
        ("GET", "/settings/webhooks/editpage", hook_api.edit_page),
        ("GET", "/settings/webhooks/histories", hook_api.list_histories),
        ("POST", "/settings/webhooks/histories/bulkresend", hook_api.bulk_resend),
        ("POST", "/settings/webhooks/histories/{history_id}/resend", hook_api.resend),
        ("GET", HOOK, hook_api.get_hook),
        ("PUT", HOOK, hook_api.update_hook),
        ("DELETE", HOOK, hook_api.delete_hook),
        ("GET", "/settings/workflows", rule_api.list_rules),
        ("POST", "/settings/workflows", rule_api.create_rule),
        ("GET", RULE, rule_api.get_rule),
        ("PUT", RULE, rule_api.update_rule),
        ("DELETE", RULE, rule_api.delete_rule),
        ("POST", RULE + "/active", rule_api.activate_rule),
        ("POST", RULE + "/inactive", rule_api.deactivate_rule),
    ),
    *(Route("GET", template, f"ZohoBooks.{scope}.READ", handler) for scope, template, handler in paper_routes()),
]


class Router:
    """Finds the route of a request; fixed words win over ids."""

    def __init__(self, routes: Sequence[Route] = ROUTES) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        # What has no id in it is found at once.
        self._fixed: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in sorted(routes, key=lambda one: one.template.count("{")):
            if "{" not in route.template:
                self._fixed.setdefault(route.parts, {}).setdefault(route.method, route)
            self._by_length.setdefault(len(route.parts), []).append((route.parts, route))

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, Mapping[str, str]]:
        """The route and its ids; refuses an unknown path and, on a known one, an unknown method."""
        fixed = self._fixed.get(tuple(segments))
        if fixed is not None:
            if method not in fixed:
                raise wrong_method()
            return fixed[method], {}
        fitting = [(parts, route) for parts, route in self._by_length.get(len(segments), ()) if _fits(parts, segments)]
        if not fitting:
            raise unknown_path()
        fewest = min(sum(part.startswith("{") for part in parts) for parts, _ in fitting)
        for parts, route in fitting:
            if route.method == method and sum(part.startswith("{") for part in parts) == fewest:
                return route, {part[1:-1]: found for part, found in zip(parts, segments, strict=True) if part[0] == "{"}
        raise wrong_method()


def _fits(parts: Sequence[str], segments: Sequence[str]) -> bool:
    return all(part == found or part[0] == "{" for part, found in zip(parts, segments, strict=True))
