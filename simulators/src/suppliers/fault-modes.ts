/** No answer of the supplier itself, and nothing has happened. */
export const interrupted = ['slow', 'error', 'html-503', 'too-many', 'wait-long', 'down'] as const;
/** All has happened, and its answer can't be read. */
export const unreadable = ['lose-answer', 'cut-short', 'garbage', 'empty'] as const;
/** Refused, and nothing was ordered. */
export const refusedOrder = ['error-422', 'out-of-stock', 'sold-out-404', 'balance-empty'] as const;
/** The order is taken, and something about it is not as it should be. */
export const oddOrder = [
  'hidden',
  'duplicate',
  'price-jump',
  'wrong-product',
  'partial',
  'late',
  'image',
  'pre-order',
  'duplicate-code',
  'cancelled',
  'extra-fee',
  'extra-unit',
  'refused-taken',
] as const;
const oddCodes = ['sold-out-404', 'duplicate-code', 'wrong-product', 'late'] as const;
const oddProducts = ['sold-out-404', 'out-of-stock', 'price-jump', 'wrong-product'] as const;

/** What can go wrong at the suppliers, by place. */
export const supplierFaultModes = {
  'codeswholesale.token': [...interrupted, 'other-shape', 'token-401'],
  'codeswholesale.products': [...interrupted, ...unreadable, ...oddProducts, 'duplicate'],
  'codeswholesale.order': [...interrupted, ...refusedOrder, ...unreadable, ...oddOrder],
  'codeswholesale.codes': [...interrupted, ...unreadable, ...oddCodes],
  'codeswholesale.complaints': [...interrupted, 'error-422', 'lose-answer'],
  'codeswholesale.find': [...interrupted, ...unreadable, 'hidden'],
  'kinguin.products': [...interrupted, ...unreadable, ...oddProducts],
  'kinguin.order': [...interrupted, ...refusedOrder, ...unreadable, ...oddOrder],
  'kinguin.keys': [...interrupted, ...unreadable, ...oddCodes],
  'kinguin.find': [...interrupted, ...unreadable, 'hidden'],
  'moogold.products': [...interrupted, ...unreadable, 'sold-out-404', 'price-jump'],
  'moogold.validate': [...interrupted, ...unreadable],
  'moogold.order': [
    ...interrupted,
    ...unreadable,
    'error-422',
    'out-of-stock',
    'balance-empty',
    'hidden',
    'price-jump',
    'late',
    'cancelled',
    'extra-fee',
  ],
  'moogold.find': [...interrupted, ...unreadable, 'hidden'],
  'kinguin.webhook': ['slow', 'down', 'doubled', 'out-of-order', 'forged'],
} as const;
