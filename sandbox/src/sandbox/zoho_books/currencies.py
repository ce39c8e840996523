"""Currencies an organisation has enabled, and their exchange rates by day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sandbox.zoho_books.call import Call, Reply, created, done
from sandbox.zoho_books.catalogue import Currency, ExchangeRate
from sandbox.zoho_books.listing import small_page
from sandbox.zoho_books.organisation import Organisation
from sandbox.zoho_books.refusals import Refusal, absent, invalid, missing
from sandbox.zoho_books.wire import Body, Document, plain

# code: name, symbol, digits (ISO 4217)
KNOWN = {
    "AED": ("UAE Dirham", "AED", 2), "AUD": ("Australian Dollar", "$", 2), "BHD": ("Bahraini Dinar", "BHD", 3),
    "BRL": ("Brazilian Real", "R$", 2), "CAD": ("Canadian Dollar", "$", 2), "CHF": ("Swiss Franc", "CHF", 2),
    "CNY": ("Yuan Renminbi", "CNY", 2), "CZK": ("Czech Koruna", "Kč", 2), "DKK": ("Danish Krone", "kr", 2),
    "EUR": ("Euro", "€", 2), "GBP": ("Pound Sterling", "£", 2), "HUF": ("Hungarian Forint", "Ft", 2),
    "INR": ("Indian Rupee", "₹", 2), "JPY": ("Japanese Yen", "¥", 0), "KRW": ("South Korean Won", "₩", 0),
    "KWD": ("Kuwaiti Dinar", "KWD", 3), "MXN": ("Mexican Peso", "$", 2), "NOK": ("Norwegian Krone", "kr", 2),
    "NZD": ("New Zealand Dollar", "$", 2), "OMR": ("Omani Rial", "OMR", 3), "PLN": ("Polish Zloty", "zł", 2),
    "SAR": ("Saudi Riyal", "SAR", 2), "SEK": ("Swedish Krona", "kr", 2), "SGD": ("Singapore Dollar", "$", 2),
    "TRY": ("Turkish Lira", "₺", 2), "USD": ("United States Dollar", "$", 2), "ZAR": ("South African Rand", "R", 2),
}  # fmt: skip


def format_of(digits: int) -> str:
    return "1,234,567" + (f".{'89'.ljust(digits, '0')[:digits]}" if digits else "")


def currency_view(org: Organisation, currency: Currency, today: str) -> Document:
    rates = sorted((rate for rate in currency.rates if rate.day <= today), key=lambda rate: rate.day)
    return {
        "currency_id": currency.id,
        "currency_code": currency.code,
        "currency_name": f"{currency.code}- {currency.name}",
        "currency_symbol": currency.symbol,
        "price_precision": currency.precision,
        "currency_format": currency.format,
        "is_base_currency": currency.base,
        "exchange_rate": plain(org.rate_on(currency, today)),
        "effective_date": rates[-1].day if rates else "",
    }


def list_currencies(call: Call) -> Reply:
    today = call.org.today(call.now)
    wanted = call.param("filter_by")
    if wanted not in ("", "Currencies.ExcludeBaseCurrency"):
        raise invalid("filter_by")
    rows = (
        currency_view(call.org, currency, today)
        for currency in call.org.currencies.values()
        if not (wanted and currency.base)
    )
    return small_page(call, "currencies", "Currencies", rows, "currency_code")


def found(call: Call) -> Currency:
    currency = call.org.currencies.get(call.ids["currency_id"])
    if currency is None:
        raise absent("Currency")
    return currency


def get_currency(call: Call) -> Reply:
    return done("success", currency=currency_view(call.org, found(call), call.org.today(call.now)))


def create_currency(call: Call) -> Reply:
    org, body = call.org, call.body()
    code = body.required("currency_code", 3)
    if code not in KNOWN:
        raise invalid("currency_code")
    if any(currency.code == code for currency in org.currencies.values()):
        raise Refusal(400, 1001, f'Currency "{code}" already exists.')
    name, symbol, digits = KNOWN[code]
    currency = _filled(body, Currency(org.new_id(), code, name, symbol, digits, format_of(digits)))
    org.currencies[currency.id] = currency
    call.wrote("currency", currency.id, "create")
    return created("The currency has been added.", currency=currency_view(org, currency, org.today(call.now)))


def _filled(body: Body, currency: Currency) -> Currency:
    digits = body.whole("price_precision", currency.precision)
    if not 0 <= digits <= 6:
        raise invalid("price_precision")
    return replace(
        currency,
        symbol=body.text("currency_symbol", currency.symbol, 10),
        precision=digits,
        format=body.text("currency_format", currency.format, 30),
    )


def update_currency(call: Call) -> Reply:
    """Digits cannot change: documents in the currency are rounded to them."""
    before, body = found(call), call.body()
    after = _filled(body, before)
    if after.precision != before.precision:
        raise invalid("price_precision")
    call.org.currencies[after.id] = after
    call.wrote("currency", after.id, "update" if after != before else "noop")
    shown = currency_view(call.org, after, call.org.today(call.now))
    return done("Currency information has been saved.", currency=shown)


def delete_currency(call: Call) -> Reply:
    currency, org = found(call), call.org
    used = any(currency.id == record.currency_id for shelf in (org.contacts, org.invoices) for record in shelf)
    if currency.base or used:
        raise Refusal(400, 1040, "Currencies in use cannot be deleted.")
    del org.currencies[currency.id]
    call.wrote("currency", currency.id, "delete")
    return done("The currency has been deleted.")


def rate_view(currency: Currency, rate: ExchangeRate) -> Document:
    return {
        "exchange_rate_id": rate.id,
        "currency_id": currency.id,
        "currency_code": currency.code,
        "effective_date": rate.day,
        "rate": plain(rate.rate),
    }


def list_rates(call: Call) -> Reply:
    """All rates, newest first; `from_date`: the one in force that day; `is_current_date`: today's own only."""
    currency = found(call)
    rates = sorted(currency.rates, key=lambda rate: rate.day, reverse=True)
    if call.param("from_date"):
        rates = [rate for rate in rates if rate.day <= call.param("from_date")][:1]
    if call.param("is_current_date") == "true":
        rates = [rate for rate in rates if rate.day == call.org.today(call.now)]
    if call.param("sort_column") not in ("", "effective_date"):
        raise invalid("sort_column")
    return done("success", exchange_rates=[rate_view(currency, rate) for rate in rates])


def get_rate(call: Call) -> Reply:
    currency = found(call)
    return done("success", exchange_rate=rate_view(currency, _named(call, currency)))


def create_rate(call: Call) -> Reply:
    currency, body = found(call), call.body()
    if currency.base:
        raise invalid("currency_id")
    day = body.day("effective_date", call.org.today(call.now))
    others = tuple(rate for rate in currency.rates if rate.day != day)
    rate = ExchangeRate(call.org.new_id(), day, _positive(body))
    call.org.currencies[currency.id] = replace(currency, rates=(*others, rate))
    call.wrote("exchange_rate", rate.id, "create")
    return created("The exchange rate has been added.", exchange_rate=rate_view(currency, rate))


def update_rate(call: Call) -> Reply:
    currency, body = found(call), call.body()
    old = _named(call, currency)
    rate = ExchangeRate(old.id, body.day("effective_date", old.day), _positive(body))
    others = tuple(one for one in currency.rates if one.id != rate.id)
    call.org.currencies[currency.id] = replace(currency, rates=(*others, rate))
    call.wrote("exchange_rate", rate.id, "update")
    return done("The exchange rate has been updated.", exchange_rate=rate_view(currency, rate))


def delete_rate(call: Call) -> Reply:
    currency = found(call)
    gone = _named(call, currency)
    left = tuple(rate for rate in currency.rates if rate.id != gone.id)
    call.org.currencies[currency.id] = replace(currency, rates=left)
    call.wrote("exchange_rate", gone.id, "delete")
    return done("Exchange rate successfully deleted")


def _positive(body: Body) -> Decimal:
    if not body.text("rate"):
        raise missing("rate")
    rate = body.amount("rate")
    if rate <= 0:
        raise invalid("rate")
    return rate


def _named(call: Call, currency: Currency) -> ExchangeRate:
    rate = next((rate for rate in currency.rates if rate.id == call.ids["exchange_rate_id"]), None)
    if rate is None:
        raise absent("Exchange rate")
    return rate
