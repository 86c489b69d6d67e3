/**
 * Every SQLSTATE that our code knows by name: one code, one meaning, in all services. Those that begin with KE are raised by functions
 * in `db/functions`. Where a code becomes a problem of a contract, the problem is named; the others are refusals that no caller can
 * cause, so they end as 500 and a line in the log.
 */
export const sqlStates = {
  // PostgreSQL's own; the constraint's name says which rule.
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  checkViolation: '23514',
  queryCanceled: '57014',

  // orders
  orderMoveForbidden: 'KE001',
  orderPaidTwice: 'KE002',
  orderChanged: 'KE003',
  /** `orders.coupon-not-usable` */
  couponUsedUp: 'KE004',
  orderSumWrong: 'KE005',
  orderNotPaid: 'KE006',

  // inventory
  /** `inventory.stock-short` */
  stockShort: 'KE010',
  keyMoveForbidden: 'KE011',
  keyWithoutAllocation: 'KE012',
  keyChanged: 'KE013',
  supplierOrderMoveForbidden: 'KE041',
  supplierOrderChanged: 'KE042',
  /** `inventory.key-not-revealable` */
  keyWithdrawn: 'KE045',
  withdrawalForbidden: 'KE046',
  /** `inventory.order-refunded` */
  orderRefunded: 'KE051',

  // payments
  paymentMoveForbidden: 'KE021',
  paymentChanged: 'KE022',
  intentPaidOtherwise: 'KE023',
  intentChanged: 'KE024',
  postingUnbalanced: 'KE025',
  booksChanged: 'KE026',
  /** `payments.refund-too-large` */
  refundTooLarge: 'KE027',
  /** `payments.balance-too-small` */
  walletTooSmall: 'KE028',
  /** `payments.refund-method-unavailable` */
  cardPaidLess: 'KE029',
  /** `payments.bank-account-not-verified` */
  bankAccountNotVerified: 'KE030',
  /** `payments.refund-too-early` */
  refundTooEarly: 'KE031',
  /** `payments.limit-reached` */
  topUpLimitReached: 'KE032',
  dayClosed: 'KE033',
  dayOutOfOrder: 'KE034',
  /** `payments.settlement-too-early` */
  settlementTooEarly: 'KE035',
  /** `payments.limit-reached` */
  dayLimitReached: 'KE036',
  /** `payments.too-many-transfer-numbers` */
  tooManyTransferNumbers: 'KE048',

  // catalog
  /** `catalog.category-cycle` */
  categoryCycle: 'KE061',

  // identity
  /** `identity.last-admin` */
  lastAdmin: 'KE091',
} as const;
