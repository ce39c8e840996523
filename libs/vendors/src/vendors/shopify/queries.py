"""Our questions. Every field is asked under the name that webhooks use for it, so that one reading fits both.

What a query may cost is counted before it runs, by the sizes it asks for: a thousand points at most, and the bucket has to hold them (sheet,
section 2.1). So an order is read with twenty lines, and with more only when it has more.
"""

from __future__ import annotations

MONEY = "{shop_money:shopMoney{amount} presentment_money:presentmentMoney{amount}}"
_TAXES = f"{{title rate channel_liable:channelLiable price_set:priceSet{MONEY}}}"
_DISCOUNTS = f"discount_allocations:discountAllocations{{amount_set:allocatedAmountSet{MONEY}}}"
_ADDRESS = "{first_name:firstName last_name:lastName name company address1 address2 city province zip country_code:countryCodeV2 phone}"
_ENDS = "pageInfo{hasNextPage endCursor}"
_TRANSACTION = f"{{id kind status gateway test processed_at:processedAt parent:parentTransaction{{id}} amount_set:amountSet{MONEY}}}"

_LINES_BACK = (
    "{nodes{quantity restock_type:restockType line_item:lineItem{id} "
    f"subtotal_set:subtotalSet{MONEY} total_tax_set:totalTaxSet{MONEY}}} {_ENDS}}}"
)
_SHIPPING_BACK = (
    f"{{nodes{{shipping_line:shippingLine{{id}} subtotal_amount_set:subtotalAmountSet{MONEY} "
    f"tax_amount_set:taxAmountSet{MONEY}}} {_ENDS}}}"
)
_ADJUSTMENTS = f"{{nodes{{reason amount_set:amountSet{MONEY} tax_amount_set:taxAmountSet{MONEY}}} {_ENDS}}}"
_MONEY_BACK = f"{{nodes{_TRANSACTION} {_ENDS}}}"
_REFUND = (
    "{id note created_at:createdAt processed_at:processedAt "
    f"total_refunded_set:totalRefundedSet{MONEY} duties{{amount_set:amountSet{MONEY}}} "
    f"refund_line_items:refundLineItems(first:$back){_LINES_BACK} "
    f"refund_shipping_lines:refundShippingLines(first:2){_SHIPPING_BACK} "
    f"order_adjustments:orderAdjustments(first:2){_ADJUSTMENTS} transactions(first:3){_MONEY_BACK}}}"
)
_LINE = (
    "{id sku title quantity taxable variant_title:variantTitle "
    "current_quantity:currentQuantity gift_card:isGiftCard requires_shipping:requiresShipping product{id} variant{id} "
    f"price_set:originalUnitPriceSet{MONEY} {_DISCOUNTS} tax_lines:taxLines{_TAXES} duties{{price_set:price{MONEY}}}}}"
)
_DELIVERY = (
    f"{{id title code is_removed:isRemoved price_set:originalPriceSet{MONEY} {_DISCOUNTS} tax_lines:taxLines{_TAXES}}}"
)
_LINES, _DELIVERIES = f"{{nodes{_LINE} {_ENDS}}}", f"{{nodes{_DELIVERY} {_ENDS}}}"
_ORDER_ITSELF = (
    "{id name email phone note test currency:currencyCode presentment_currency:presentmentCurrencyCode processed_at:processedAt "
    "updated_at:updatedAt cancelled_at:cancelledAt cancel_reason:cancelReason closed_at:closedAt "
    "financial_status:displayFinancialStatus fulfillment_status:displayFulfillmentStatus source_name:sourceName "
    f"taxes_included:taxesIncluded customer{{id}} billing_address:billingAddress{_ADDRESS} shipping_address:shippingAddress{_ADDRESS} "
    f"subtotal_price_set:subtotalPriceSet{MONEY} total_discounts_set:totalDiscountsSet{MONEY} "
    f"total_shipping_price_set:totalShippingPriceSet{MONEY} total_tax_set:totalTaxSet{MONEY} "
    f"original_total_duties_set:originalTotalDutiesSet{MONEY} total_tip_received_set:totalTipReceivedSet{MONEY} "
    f"total_price_set:totalPriceSet{MONEY} current_subtotal_price_set:currentSubtotalPriceSet{MONEY} "
    f"current_total_tax_set:currentTotalTaxSet{MONEY} current_total_price_set:currentTotalPriceSet{MONEY} "
    f"total_received_set:totalReceivedSet{MONEY} total_outstanding_set:totalOutstandingSet{MONEY} total_refunded_set:totalRefundedSet{MONEY} "
    f"rounding:totalCashRoundingAdjustment{{payment_set:paymentSet{MONEY}}} tax_lines:taxLines{_TAXES} "
    f"transactions{_TRANSACTION} "
)
_ORDER = (
    f"{_ORDER_ITSELF}refunds{_REFUND} "
    f"line_items:lineItems(first:$lines){_LINES} "
    f"shipping_lines:shippingLines(first:3,includeRemovals:true){_DELIVERIES}}}"
)
_CUSTOMER = (
    "{id email phone tags first_name:firstName last_name:lastName created_at:createdAt updated_at:updatedAt "
    f"default_address:defaultAddress{_ADDRESS}}}"
)
ORDER = f"query($id:ID!,$lines:Int!,$back:Int!){{order(id:$id){_ORDER}}}"
_PAGE = "query($id:ID!,$after:String!){{owner:{root}(id:$id){{{stamp} rows:{rows}}}}}"
_OF_ORDER, _OF_REFUND = (
    {"root": "order", "stamp": "updated_at:updatedAt"},
    {"root": "refund", "stamp": "order{updated_at:updatedAt}"},
)
# What did not fit into the first looks, list by list; each page as large as a thousand points allow.
ORDER_PAGES = {
    "line_items": _PAGE.format(**_OF_ORDER, rows=f"lineItems(first:40,after:$after){_LINES}"),
    "shipping_lines": _PAGE.format(
        **_OF_ORDER, rows=f"shippingLines(first:40,after:$after,includeRemovals:true){_DELIVERIES}"
    ),
}
REFUND_PAGES = {
    "refund_line_items": _PAGE.format(**_OF_REFUND, rows=f"refundLineItems(first:100,after:$after){_LINES_BACK}"),
    "refund_shipping_lines": _PAGE.format(
        **_OF_REFUND, rows=f"refundShippingLines(first:100,after:$after){_SHIPPING_BACK}"
    ),
    "order_adjustments": _PAGE.format(**_OF_REFUND, rows=f"orderAdjustments(first:100,after:$after){_ADJUSTMENTS}"),
    "transactions": _PAGE.format(**_OF_REFUND, rows=f"transactions(first:100,after:$after){_MONEY_BACK}"),
}
_REST = (
    "{updated_at:updatedAt "
    f"total_tip_received_set:totalTipReceivedSet{MONEY} total_received_set:totalReceivedSet{MONEY} "
    f"total_outstanding_set:totalOutstandingSet{MONEY} total_refunded_set:totalRefundedSet{MONEY} transactions{_TRANSACTION}}}"
)
CUSTOMER = f"query($id:ID!){{customer(id:$id){_CUSTOMER}}}"
_LIST = (
    "query($after:String,$query:String){{{name}(first:{size},after:$after,query:$query,sortKey:{key})"
    "{{nodes{node} pageInfo{{hasNextPage endCursor}}}}}}"
)
ORDERS = _LIST.format(name="orders", size=250, key="UPDATED_AT", node="{id updated_at:updatedAt}")
CUSTOMERS = _LIST.format(name="customers", size=200, key="UPDATED_AT", node=_CUSTOMER)
HOOKS = "{webhookSubscriptions(first:250){nodes{id topic uri format filter includeFields}}}"
HOOK_CREATE = (
    "mutation($topic:WebhookSubscriptionTopic!,$uri:String!){webhookSubscriptionCreate(topic:$topic,"
    "webhookSubscription:{uri:$uri,format:JSON}){webhookSubscription{id} userErrors{field message}}}"
)
HOOK_DELETE = (
    "mutation($id:ID!){webhookSubscriptionDelete(id:$id){deletedWebhookSubscriptionId userErrors{field message}}}"
)
PING = "{shop{name}}"
COUNTS = {"order": "{found:ordersCount(limit:null){count}}", "customer": "{found:customersCount(limit:null){count}}"}
# A question that runs by itself: lists have no sizes there, and none may lie in something that is a list already, as those of refunds do.
WHOLE = {
    "order": (
        f"{{orders{{edges{{node{_ORDER_ITSELF}refunds{{id}} line_items:lineItems{{edges{{node{_LINE}}}}} "
        f"shipping_lines:shippingLines(includeRemovals:true){{edges{{node{_DELIVERY}}}}}}}}}}}}}"
    ),
    "customer": f"{{customers{{edges{{node{_CUSTOMER}}}}}}}",
}
BULK_BEGIN = (
    "mutation($question:String!){bulkOperationRunQuery(query:$question,groupObjects:true)"
    "{bulkOperation{id} userErrors{field message}}}"
)
BULK = "query($id:ID!){bulkOperation(id:$id){status createdAt completedAt objectCount rootObjectCount url}}"
BULKS = "{bulkOperations(first:10,sortKey:CREATED_AT,reverse:true){nodes{id status query createdAt}}}"
# Lines of an order, and of one refund, in a first look; and in a second, where the first did not hold all. Lines beyond that come in pages.
FEW, MANY = (20, 5), (40, 10)


def rests(orders: int) -> str:
    """What webhooks do not tell of so many orders, `$o0` and so on."""
    names = [f"o{at}" for at in range(orders)]
    asks = " ".join(f"{name}:order(id:${name}){_REST}" for name in names)
    return f"query({','.join(f'${name}:ID!' for name in names)}){{{asks}}}"
