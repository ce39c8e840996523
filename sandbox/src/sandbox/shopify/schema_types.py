"""What the simulator answers, as a table: a type's name, then its fields as `name(arguments):type`.

Only what the simulator holds. Names and types are the vendor's; where its own list is longer, so much is left out.
"""

from __future__ import annotations

PAGE = "after:String before:String first:Int last:Int reverse:Boolean=false"
FOUND = f"{PAGE} query:String"

TYPES: dict[str, str] = {
    "MoneyV2": "amount:Decimal! currencyCode:CurrencyCode!",
    "MoneyBag": "shopMoney:MoneyV2! presentmentMoney:MoneyV2!",
    "PageInfo": "startCursor:String endCursor:String hasNextPage:Boolean! hasPreviousPage:Boolean!",
    "UserError": "field:[String!] message:String!",
    "Attribute": "key:String! value:String",
    "Count": "count:Int! precision:CountPrecision!",
    "Job": "id:ID! done:Boolean!",
    "AccessScope": "handle:String! description:String!",
    "ApiVersion": "handle:String! displayName:String! supported:Boolean!",
    "App": "id:ID! title:String! handle:String apiKey:String!",
    "AppInstallation": "id:ID! app:App! accessScopes:[AccessScope!]!",
    "ShopPlan": "publicDisplayName:String! partnerDevelopment:Boolean! shopifyPlus:Boolean!",
    "Shop": "id:ID! name:String! email:String! contactEmail:String! myshopifyDomain:String! url:URL! createdAt:DateTime! "
    "currencyCode:CurrencyCode! enabledPresentmentCurrencies:[CurrencyCode!]! ianaTimezone:String! timezoneOffset:String! "
    "taxesIncluded:Boolean! taxShipping:Boolean! plan:ShopPlan!",
    "MailingAddress": "id:ID! name:String firstName:String lastName:String company:String address1:String address2:String "
    "city:String province:String provinceCode:String country:String countryCodeV2:CountryCode zip:String phone:String",
    "CustomerEmailAddress": "emailAddress:String! marketingState:CustomerEmailAddressMarketingState! "
    "marketingOptInLevel:CustomerMarketingOptInLevel marketingUpdatedAt:DateTime validFormat:Boolean!",
    "CustomerPhoneNumber": "phoneNumber:String!",
    "Customer": "id:ID! legacyResourceId:UnsignedInt64! createdAt:DateTime! updatedAt:DateTime! displayName:String! firstName:String "
    "lastName:String email:String phone:String note:String state:CustomerState! locale:String! tags:[String!]! taxExempt:Boolean! "
    "taxExemptions:[TaxExemption!]! verifiedEmail:Boolean! multipassIdentifier:String defaultAddress:MailingAddress "
    f"addresses(first:Int):[MailingAddress!]! addressesV2({PAGE}):MailingAddressConnection! "
    "defaultEmailAddress:CustomerEmailAddress defaultPhoneNumber:CustomerPhoneNumber numberOfOrders:UnsignedInt64! amountSpent:MoneyV2! "
    f"lastOrder:Order orders({FOUND} sortKey:OrderSortKeys=ID):OrderConnection!",
    "TaxLine": "title:String! rate:Float ratePercentage:Float priceSet:MoneyBag! channelLiable:Boolean source:String",
    "PricingPercentageValue": "percentage:Float!",
    "DiscountAllocation": "allocatedAmountSet:MoneyBag! discountApplication:DiscountApplication!",
    "Duty": "id:ID! price:MoneyBag! harmonizedSystemCode:String countryCodeOfOrigin:CountryCode taxLines:[TaxLine!]!",
    "ProductVariant": "id:ID! legacyResourceId:UnsignedInt64! sku:String title:String!",
    "Product": "id:ID! legacyResourceId:UnsignedInt64! title:String!",
    "LineItem": "id:ID! title:String! name:String! sku:String quantity:Int! currentQuantity:Int! refundableQuantity:Int! "
    "variant:ProductVariant product:Product variantTitle:String vendor:String taxable:Boolean! requiresShipping:Boolean! "
    "isGiftCard:Boolean! originalUnitPriceSet:MoneyBag! originalTotalSet:MoneyBag! totalDiscountSet:MoneyBag! "
    "discountedTotalSet(withCodeDiscounts:Boolean=false):MoneyBag! discountedUnitPriceAfterAllDiscountsSet:MoneyBag! "
    "discountAllocations:[DiscountAllocation!]! taxLines(first:Int):[TaxLine!]! duties:[Duty!]! customAttributes:[Attribute!]!",
    "ShippingLine": "id:ID title:String! code:String source:String custom:Boolean! isRemoved:Boolean! originalPriceSet:MoneyBag! "
    "discountedPriceSet:MoneyBag! currentDiscountedPriceSet:MoneyBag! discountAllocations:[DiscountAllocation!]! taxLines:[TaxLine!]!",
    "OrderTransaction": "id:ID! kind:OrderTransactionKind! status:OrderTransactionStatus! gateway:String formattedGateway:String "
    "manualPaymentGateway:Boolean! amountSet:MoneyBag! amountRoundingSet:MoneyBag createdAt:DateTime! processedAt:DateTime test:Boolean! "
    "parentTransaction:OrderTransaction paymentId:String errorCode:OrderTransactionErrorCode",
    "RefundLineItem": "id:ID lineItem:LineItem! quantity:Int! priceSet:MoneyBag! subtotalSet:MoneyBag! totalTaxSet:MoneyBag! "
    "restockType:RefundLineItemRestockType! restocked:Boolean!",
    "RefundShippingLine": "id:ID! shippingLine:ShippingLine! subtotalAmountSet:MoneyBag! taxAmountSet:MoneyBag!",
    "OrderAdjustment": "id:ID! amountSet:MoneyBag! taxAmountSet:MoneyBag! reason:OrderAdjustmentDiscrepancyReason",
    "RefundDuty": "amountSet:MoneyBag! originalDuty:Duty",
    "Refund": "id:ID! legacyResourceId:UnsignedInt64! order:Order! createdAt:DateTime processedAt:DateTime! updatedAt:DateTime! "
    f"note:String totalRefundedSet:MoneyBag! duties:[RefundDuty!] refundLineItems({PAGE}):RefundLineItemConnection! "
    f"refundShippingLines({PAGE}):RefundShippingLineConnection! orderAdjustments({PAGE}):OrderAdjustmentConnection! "
    f"transactions({PAGE}):OrderTransactionConnection!",
    "CashRoundingAdjustment": "paymentSet:MoneyBag! refundSet:MoneyBag!",
    "Fulfillment": "id:ID! legacyResourceId:UnsignedInt64! name:String! status:FulfillmentStatus! createdAt:DateTime! updatedAt:DateTime!",
    "Order": "id:ID! legacyResourceId:UnsignedInt64! name:String! number:Int! confirmationNumber:String sourceName:String "
    "sourceIdentifier:String poNumber:String test:Boolean! confirmed:Boolean! edited:Boolean! createdAt:DateTime! updatedAt:DateTime! "
    "processedAt:DateTime! closed:Boolean! closedAt:DateTime cancelledAt:DateTime cancelReason:OrderCancelReason email:String phone:String "
    "note:String tags:[String!]! customAttributes:[Attribute!]! customer:Customer billingAddress:MailingAddress "
    "shippingAddress:MailingAddress requiresShipping:Boolean! currencyCode:CurrencyCode! presentmentCurrencyCode:CurrencyCode! "
    "taxesIncluded:Boolean! taxExempt:Boolean! estimatedTaxes:Boolean! dutiesIncluded:Boolean! "
    "displayFinancialStatus:OrderDisplayFinancialStatus displayFulfillmentStatus:OrderDisplayFulfillmentStatus! fullyPaid:Boolean! "
    "unpaid:Boolean! discountCode:String discountCodes:[String!]! paymentGatewayNames:[String!]! "
    f"lineItems({PAGE}):LineItemConnection! shippingLine:ShippingLine "
    f"shippingLines({PAGE} includeRemovals:Boolean=false):ShippingLineConnection! "
    f"discountApplications({PAGE}):DiscountApplicationConnection! taxLines:[TaxLine!]! currentTaxLines:[TaxLine!]! "
    "transactions(first:Int capturable:Boolean manuallyResolvable:Boolean):[OrderTransaction!]! refunds(first:Int):[Refund!]! "
    "fulfillments(first:Int query:String):[Fulfillment!]! totalPriceSet:MoneyBag! originalTotalPriceSet:MoneyBag! subtotalPriceSet:MoneyBag "
    "totalTaxSet:MoneyBag totalDiscountsSet:MoneyBag totalShippingPriceSet:MoneyBag! totalTipReceivedSet:MoneyBag! "
    "originalTotalDutiesSet:MoneyBag currentTotalPriceSet:MoneyBag! currentSubtotalPriceSet:MoneyBag! currentTotalTaxSet:MoneyBag! "
    "currentTotalDiscountsSet:MoneyBag! currentShippingPriceSet:MoneyBag! currentTotalDutiesSet:MoneyBag totalReceivedSet:MoneyBag! "
    "totalRefundedSet:MoneyBag! totalRefundedShippingSet:MoneyBag! netPaymentSet:MoneyBag! totalOutstandingSet:MoneyBag! "
    "totalCapturableSet:MoneyBag! refundDiscrepancySet:MoneyBag! totalCashRoundingAdjustment:CashRoundingAdjustment!",
    "DraftOrder": "id:ID! legacyResourceId:UnsignedInt64! name:String! status:DraftOrderStatus! email:String customer:Customer "
    "currencyCode:CurrencyCode! totalPriceSet:MoneyBag! order:Order createdAt:DateTime! updatedAt:DateTime!",
    "WebhookSubscription": "id:ID! legacyResourceId:UnsignedInt64! topic:WebhookSubscriptionTopic! uri:String! callbackUrl:URL! "
    "format:WebhookSubscriptionFormat! filter:String includeFields:[String!]! metafieldNamespaces:[String!]! name:String "
    "apiVersion:ApiVersion! createdAt:DateTime! updatedAt:DateTime!",
    "BulkOperation": "id:ID! status:BulkOperationStatus! type:BulkOperationType! query:String! errorCode:BulkOperationErrorCode "
    "createdAt:DateTime! completedAt:DateTime objectCount:UnsignedInt64! rootObjectCount:UnsignedInt64! fileSize:UnsignedInt64 url:URL "
    "partialDataUrl:URL",
    "BulkOperationUserError": "field:[String!] message:String! code:BulkOperationUserErrorCode",
    "OrderCreateUserError": "field:[String!] message:String! code:OrderCreateUserErrorCode",
    "OrderCancelUserError": "field:[String!] message:String! code:OrderCancelUserErrorCode",
    "OrderDeleteUserError": "field:[String!] message:String! code:OrderDeleteUserErrorCode",
}  # fmt: skip

NODES = [
    "AppInstallation",
    "BulkOperation",
    "Customer",
    "DraftOrder",
    "Duty",
    "Fulfillment",
    "LineItem",
    "MailingAddress",
    "Order",
    "OrderTransaction",
    "Product",
    "ProductVariant",
    "Refund",
    "Shop",
    "WebhookSubscription",
]
# Of what there are pages: `<name>Connection` and `<name>Edge` follow from the name.
PAGED = [
    "BulkOperation",
    "Customer",
    "DiscountApplication",
    "DraftOrder",
    "LineItem",
    "MailingAddress",
    "Order",
    "OrderAdjustment",
    "OrderTransaction",
    "RefundLineItem",
    "RefundShippingLine",
    "ShippingLine",
    "WebhookSubscription",
]
DISCOUNT = (
    "index:Int! allocationMethod:DiscountApplicationAllocationMethod! targetSelection:DiscountApplicationTargetSelection! "
    "targetType:DiscountApplicationTargetType! value:PricingValue!"
)
DISCOUNTS = {
    "DiscountCodeApplication": f"{DISCOUNT} code:String!",
    "ManualDiscountApplication": f"{DISCOUNT} title:String! description:String",
    "AutomaticDiscountApplication": f"{DISCOUNT} title:String!",
}
UNIONS = {"PricingValue": ("MoneyV2", "PricingPercentageValue")}
