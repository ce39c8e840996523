"""What a day's invoices come to: the total that Books answered, and payments as they were applied."""

from __future__ import annotations

from vendors.money_figures import MoneyFigure, MoneyFigures
from vendors.zoho_books.invoice_paths import PAYMENT

INVOICE_FIGURES = MoneyFigures(
    ("presentment_currency", "currency"),
    (
        MoneyFigure("invoiced", "create", "seen", "total"),
        MoneyFigure("paid", "pay", "sent", PAYMENT, "amount"),
        MoneyFigure("voided", "void", "seen", "total"),
    ),
)
