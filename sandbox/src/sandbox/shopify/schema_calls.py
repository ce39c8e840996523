"""What may be asked and done, and with which words: root fields and inputs, in the notation of `schema_types`."""

from __future__ import annotations

from sandbox.shopify.schema_types import FOUND

QUERIES = (
    f"orders({FOUND} sortKey:OrderSortKeys=PROCESSED_AT):OrderConnection! order(id:ID!):Order "
    "orderByIdentifier(identifier:OrderIdentifierInput!):Order "
    f"ordersCount(query:String limit:Int=10000):Count customers({FOUND} sortKey:CustomerSortKeys=ID):CustomerConnection! customer(id:ID!):Customer "
    "customerByIdentifier(identifier:CustomerIdentifierInput!):Customer customersCount(query:String limit:Int=10000):Count refund(id:ID!):Refund "
    f"draftOrders({FOUND} sortKey:DraftOrderSortKeys=ID):DraftOrderConnection! draftOrder(id:ID!):DraftOrder "
    "node(id:ID!):Node nodes(ids:[ID!]!):[Node]! "
    f"webhookSubscriptions({FOUND} sortKey:WebhookSubscriptionSortKeys=CREATED_AT topics:[WebhookSubscriptionTopic!] uri:String "
    "format:WebhookSubscriptionFormat):WebhookSubscriptionConnection! webhookSubscription(id:ID!):WebhookSubscription "
    f"bulkOperation(id:ID!):BulkOperation bulkOperations({FOUND} sortKey:BulkOperationsSortKeys=CREATED_AT):BulkOperationConnection! "
    "currentBulkOperation(type:BulkOperationType=QUERY):BulkOperation publicApiVersions:[ApiVersion!]! shop:Shop! "
    "currentAppInstallation:AppInstallation!"
)  # fmt: skip
MUTATIONS: dict[str, tuple[str, str]] = {
    # field: its arguments, and what its answer holds beside userErrors
    "orderCreate": ("order:OrderCreateOrderInput! options:OrderCreateOptionsInput", "order:Order"),
    "orderUpdate": ("input:OrderInput!", "order:Order"),
    "orderMarkAsPaid": ("input:OrderMarkAsPaidInput!", "order:Order"),
    "orderClose": ("input:OrderCloseInput!", "order:Order"),
    "orderCancel": (
        "orderId:ID! reason:OrderCancelReason! restock:Boolean! refund:Boolean refundMethod:OrderCancelRefundMethodInput "
        "notifyCustomer:Boolean=false staffNote:String",
        "job:Job orderCancelUserErrors:[OrderCancelUserError!]!",
    ),
    "orderDelete": ("orderId:ID!", "deletedId:ID"),
    "refundCreate": ("input:RefundInput!", "refund:Refund order:Order"),
    "customerCreate": ("input:CustomerInput!", "customer:Customer"),
    "customerUpdate": ("input:CustomerInput!", "customer:Customer"),
    "customerDelete": ("input:CustomerDeleteInput!", "deletedCustomerId:ID shop:Shop!"),
    "draftOrderCreate": ("input:DraftOrderInput!", "draftOrder:DraftOrder"),
    "draftOrderComplete": ("id:ID! paymentPending:Boolean=false", "draftOrder:DraftOrder"),
    "webhookSubscriptionCreate": (
        "topic:WebhookSubscriptionTopic! webhookSubscription:WebhookSubscriptionInput!",
        "webhookSubscription:WebhookSubscription",
    ),
    "webhookSubscriptionUpdate": (
        "id:ID! webhookSubscription:WebhookSubscriptionInput!",
        "webhookSubscription:WebhookSubscription",
    ),
    "webhookSubscriptionDelete": ("id:ID!", "deletedWebhookSubscriptionId:ID"),
    "bulkOperationRunQuery": ("query:String! groupObjects:Boolean!=false", "bulkOperation:BulkOperation"),
    "bulkOperationCancel": ("id:ID!", "bulkOperation:BulkOperation"),
}
# The errors of most are plain; these have codes.
ERRORS = {
    "orderCreate": "OrderCreateUserError",
    "orderDelete": "OrderDeleteUserError",
    "bulkOperationRunQuery": "BulkOperationUserError",
}
INPUTS: dict[str, str] = {
    "OrderIdentifierInput": "id:ID",
    "CustomerIdentifierInput": "id:ID emailAddress:String phoneNumber:String",
    "MoneyInput": "amount:Decimal! currencyCode:CurrencyCode!",
    "MoneyBagInput": "shopMoney:MoneyInput! presentmentMoney:MoneyInput",
    "AttributeInput": "key:String! value:String!",
    "OrderCreateCustomAttributeInput": "key:String! value:String!",
    "MailingAddressInput": "id:ID firstName:String lastName:String company:String address1:String address2:String city:String province:String "
    "provinceCode:String country:String countryCode:CountryCode zip:String phone:String",
    "OrderCreateTaxLineInput": "title:String! rate:Decimal! priceSet:MoneyBagInput channelLiable:Boolean=false",
    "OrderCreateLineItemPropertyInput": "name:String! value:String!",
    "OrderCreateLineItemInput": "title:String sku:String quantity:Int! priceSet:MoneyBagInput variantId:ID productId:ID variantTitle:String "
    "vendor:String taxable:Boolean=true requiresShipping:Boolean=false giftCard:Boolean=false taxLines:[OrderCreateTaxLineInput!] "
    "properties:[OrderCreateLineItemPropertyInput!]",
    "OrderCreateShippingLineInput": "title:String! code:String source:String priceSet:MoneyBagInput! taxLines:[OrderCreateTaxLineInput!]",
    "OrderCreateOrderTransactionInput": "amountSet:MoneyBagInput! gateway:String kind:OrderTransactionKind=SALE "
    "status:OrderTransactionStatus=SUCCESS processedAt:DateTime test:Boolean=false authorizationCode:String receiptJson:JSON",
    "OrderCreateFixedDiscountCodeAttributesInput": "code:String! amountSet:MoneyBagInput",
    "OrderCreatePercentageDiscountCodeAttributesInput": "code:String! percentage:Float",
    "OrderCreateFreeShippingDiscountCodeAttributesInput": "code:String!",
    "OrderCreateDiscountCodeInput": "itemFixedDiscountCode:OrderCreateFixedDiscountCodeAttributesInput "
    "itemPercentageDiscountCode:OrderCreatePercentageDiscountCodeAttributesInput "
    "freeShippingDiscountCode:OrderCreateFreeShippingDiscountCodeAttributesInput",
    "OrderCreateAssociateCustomerAttributesInput": "id:ID email:String",
    "OrderCreateUpsertCustomerAttributesInput": "id:ID email:String firstName:String lastName:String phone:String note:String tags:[String!] "
    "taxExempt:Boolean",
    "OrderCreateCustomerInput": "toAssociate:OrderCreateAssociateCustomerAttributesInput toUpsert:OrderCreateUpsertCustomerAttributesInput",
    "OrderCreateOrderInput": "name:String lineItems:[OrderCreateLineItemInput!] shippingLines:[OrderCreateShippingLineInput!] "
    "transactions:[OrderCreateOrderTransactionInput!] discountCode:OrderCreateDiscountCodeInput taxLines:[OrderCreateTaxLineInput!] "
    "taxesIncluded:Boolean=false test:Boolean=false currency:CurrencyCode presentmentCurrency:CurrencyCode "
    "financialStatus:OrderCreateFinancialStatus processedAt:DateTime closedAt:DateTime customerId:ID customer:OrderCreateCustomerInput "
    "email:String phone:String note:String poNumber:String sourceName:String sourceIdentifier:String tags:[String!] "
    "billingAddress:MailingAddressInput shippingAddress:MailingAddressInput customAttributes:[OrderCreateCustomAttributeInput!] "
    "buyerAcceptsMarketing:Boolean",
    "OrderCreateOptionsInput": "inventoryBehaviour:OrderCreateInputsInventoryBehavior=BYPASS sendReceipt:Boolean=false "
    "sendFulfillmentReceipt:Boolean=false",
    "OrderInput": "id:ID! email:String phone:String note:String poNumber:String tags:[String!] shippingAddress:MailingAddressInput "
    "customAttributes:[AttributeInput!]",
    "OrderMarkAsPaidInput": "id:ID!",
    "OrderCloseInput": "id:ID!",
    "OrderCancelRefundMethodInput": "originalPaymentMethodsRefund:Boolean",
    "RefundLineItemInput": "lineItemId:ID! quantity:Int! restockType:RefundLineItemRestockType",
    "ShippingRefundInput": "amount:Money fullRefund:Boolean",
    "RefundDutyInput": "dutyId:ID!",
    "OrderTransactionInput": "orderId:ID! amount:Money! gateway:String! kind:OrderTransactionKind! parentId:ID",
    "RefundInput": "orderId:ID! note:String currency:CurrencyCode refundLineItems:[RefundLineItemInput!] shipping:ShippingRefundInput "
    "refundDuties:[RefundDutyInput!] transactions:[OrderTransactionInput!] notify:Boolean allowOverRefunding:Boolean=false "
    "processedAt:DateTime discrepancyReason:OrderAdjustmentInputDiscrepancyReason",
    "CustomerEmailMarketingConsentInput": "marketingState:CustomerEmailMarketingState! marketingOptInLevel:CustomerMarketingOptInLevel "
    "consentUpdatedAt:DateTime",
    "CustomerInput": "id:ID email:String firstName:String lastName:String phone:String note:String locale:String tags:[String!] "
    "taxExempt:Boolean taxExemptions:[TaxExemption!] multipassIdentifier:String addresses:[MailingAddressInput!] "
    "emailMarketingConsent:CustomerEmailMarketingConsentInput",
    "CustomerDeleteInput": "id:ID!",
    "DraftOrderLineItemInput": "title:String sku:String quantity:Int! originalUnitPrice:Money taxable:Boolean requiresShipping:Boolean "
    "variantId:ID",
    "DraftOrderInput": "customerId:ID email:String note:String tags:[String!] lineItems:[DraftOrderLineItemInput!] taxExempt:Boolean",
    "WebhookSubscriptionInput": "uri:String callbackUrl:URL format:WebhookSubscriptionFormat filter:String includeFields:[String!] "
    "metafieldNamespaces:[String!] name:String",
}  # fmt: skip
