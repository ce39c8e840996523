"""The words that have a fixed list at the vendor, as far as the simulator uses them, and the scalars."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import orjson

SORTED = "CREATED_AT ID UPDATED_AT"
ENUMS: dict[str, str] = {
    "CurrencyCode": "AED ARS AUD BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JOD JPY KRW KWD MAD MXN MYR NOK "
    "NZD OMR PEN PHP PLN QAR RON SAR SEK SGD THB TND TRY TWD UAH USD VND XAF XOF ZAR",
    "CountryCode": "AE AR AT AU BE BG BH BR CA CH CL CN CO CY CZ DE DK EE ES FI FR GB GR HK HR HU ID IE IL IN IS IT JO JP KR KW LT LU LV "
    "MA MT MX MY NL NO NZ OM PE PH PL PT QA RO SA SE SG SI SK TH TN TR TW UA US VN ZA",
    "CountPrecision": "EXACT AT_LEAST",
    "CustomerState": "DECLINED DISABLED ENABLED INVITED",
    "CustomerEmailAddressMarketingState": "INVALID NOT_SUBSCRIBED PENDING SUBSCRIBED UNSUBSCRIBED",
    "CustomerEmailMarketingState": "INVALID NOT_SUBSCRIBED PENDING REDACTED SUBSCRIBED UNSUBSCRIBED",
    "CustomerMarketingOptInLevel": "CONFIRMED_OPT_IN SINGLE_OPT_IN UNKNOWN",
    "TaxExemption": "EU_REVERSE_CHARGE_EXEMPTION_RULE CA_STATUS_CARD_EXEMPTION US_CA_RESELLER_EXEMPTION US_NY_RESELLER_EXEMPTION",
    "DiscountApplicationAllocationMethod": "ACROSS EACH ONE",
    "DiscountApplicationTargetSelection": "ALL ENTITLED EXPLICIT",
    "DiscountApplicationTargetType": "LINE_ITEM SHIPPING_LINE",
    "OrderTransactionKind": "AUTHORIZATION CAPTURE CHANGE EMV_AUTHORIZATION REFUND SALE SUGGESTED_REFUND VOID",
    "OrderTransactionStatus": "AWAITING_RESPONSE ERROR FAILURE PENDING SUCCESS UNKNOWN",
    "OrderTransactionErrorCode": "CARD_DECLINED EXPIRED_CARD GENERIC_ERROR PROCESSING_ERROR",
    "OrderAdjustmentDiscrepancyReason": "CUSTOMER DAMAGE FULL_RETURN_BALANCING_ADJUSTMENT PENDING_REFUND_DISCREPANCY REFUND_DISCREPANCY RESTOCK",
    "OrderAdjustmentInputDiscrepancyReason": "CUSTOMER DAMAGE OTHER RESTOCK",
    "RefundLineItemRestockType": "CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN",
    "FulfillmentStatus": "CANCELLED ERROR FAILURE OPEN PENDING SUCCESS",
    "OrderCancelReason": "CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF",
    "OrderDisplayFinancialStatus": "AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED",
    "OrderCreateFinancialStatus": "AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED",
    "OrderDisplayFulfillmentStatus": "FULFILLED PARTIALLY_FULFILLED RESTOCKED UNFULFILLED",
    "OrderCreateInputsInventoryBehavior": "BYPASS DECREMENT_IGNORING_POLICY DECREMENT_OBEYING_POLICY",
    "DraftOrderStatus": "COMPLETED INVOICE_SENT OPEN",
    "OrderSortKeys": f"{SORTED} ORDER_NUMBER PROCESSED_AT",
    "CustomerSortKeys": SORTED,
    "DraftOrderSortKeys": "ID UPDATED_AT",
    "WebhookSubscriptionSortKeys": "CREATED_AT ID",
    "BulkOperationsSortKeys": "CREATED_AT",
    "WebhookSubscriptionFormat": "JSON XML",
    "WebhookSubscriptionTopic": "APP_UNINSTALLED BULK_OPERATIONS_FINISH CUSTOMERS_CREATE CUSTOMERS_DELETE "
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE CUSTOMERS_MERGE CUSTOMERS_PURCHASING_SUMMARY CUSTOMERS_UPDATE CUSTOMER_TAGS_ADDED "
    "CUSTOMER_TAGS_REMOVED DRAFT_ORDERS_CREATE DRAFT_ORDERS_UPDATE FULFILLMENTS_CREATE FULFILLMENTS_UPDATE INVENTORY_LEVELS_UPDATE "
    "ORDERS_CANCELLED ORDERS_CREATE ORDERS_DELETE ORDERS_EDITED ORDERS_FULFILLED ORDERS_PAID ORDERS_UPDATED ORDER_TRANSACTIONS_CREATE "
    "REFUNDS_CREATE SHOP_UPDATE",
    "BulkOperationStatus": "CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING",
    "BulkOperationType": "MUTATION QUERY",
    "BulkOperationErrorCode": "ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT",
    "BulkOperationUserErrorCode": "INVALID LIMIT_REACHED OPERATION_IN_PROGRESS",
    "OrderCreateUserErrorCode": "INVALID",
    "OrderCancelUserErrorCode": "INVALID NOT_FOUND",
    "OrderDeleteUserErrorCode": "INVALID NOT_FOUND",
}  # fmt: skip


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_time(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else value


def read_time(value: object) -> datetime:
    """An ISO moment; without a zone it is UTC."""
    if not isinstance(value, str):
        raise ValueError("a moment is a text")
    found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as trouble:
        raise ValueError("a moment outside of all calendars") from trouble


def read_decimal(value: object) -> Decimal:
    """An amount, as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("an amount is a text")
    try:
        found = Decimal(str(value))
    except InvalidOperation as trouble:
        raise ValueError("not a decimal") from trouble
    if not found.is_finite() or abs(found) >= 10**15:
        raise ValueError("not an amount")
    return found


def as_text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def read_json(value: object) -> object:
    return orjson.loads(value) if isinstance(value, str) else value


# name: how a value goes out, how it comes in
SCALARS = {
    "DateTime": (shown_time, read_time),
    "Decimal": (as_text, read_decimal),
    "Money": (as_text, read_decimal),
    "URL": (as_text, read_text),
    "UnsignedInt64": (as_text, read_text),
    "JSON": (as_text, read_json),
}
