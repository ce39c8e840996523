"""What a day's invoices and credit notes come to: the totals that Books answered, and money in and out as it was applied."""

from __future__ import annotations

from vendors.money_figures import MoneyFigure, MoneyFigures
from vendors.zoho_books.invoice_paths import GIVEN, PAYMENT

INVOICE_FIGURES = MoneyFigures(
    ("presentment_currency", "currency"),
    (
        MoneyFigure("invoiced", "create", "seen", "total"),
        MoneyFigure("paid", "pay", "sent", PAYMENT, "amount"),
        MoneyFigure("credited", "credit", "seen", "total"),
        MoneyFigure("given back", "give_back", "sent", GIVEN, "amount"),
        MoneyFigure("voided", "void", "seen", "total"),
    ),
)
