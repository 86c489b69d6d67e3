export type SecretOf = (name: string) => string;

/** What can be told to go wrong at each bank, by place: with its settings below all that the shop's side knows of a simulated bank. */
export const bankFaultModes = {
  'zarinpal.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zarinpal.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before'],
  'zarinpal.inquiry': ['slow', 'error', 'garbage', 'down'],
  'zarinpal.reverse': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zarinpal.callback': ['slow', 'duplicate'],
  'zibal.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zibal.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before'],
  'zibal.inquiry': ['slow', 'error', 'garbage', 'down'],
  'zibal.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zibal.callback': ['slow', 'duplicate'],
  'behpardakht.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.verify': ['slow', 'error', 'garbage', 'down', 'lose-answer', 'verified-before'],
  'behpardakht.settle': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.inquiry': ['slow', 'error', 'garbage', 'down'],
  'behpardakht.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.callback': ['slow', 'duplicate'],
  // It has no inquiry to go wrong.
  'sadad.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sadad.verify': [
    'slow',
    'error',
    'garbage',
    'down',
    'amount-mismatch',
    'lose-answer',
    'verified-before',
    'no-details',
    'not-yet',
  ],
  'sadad.callback': ['slow', 'duplicate'],
  // Its inquiry is the receipt.
  'sep.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sep.inquiry': ['slow', 'error', 'garbage', 'down'],
  'sep.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before', 'no-details'],
  'sep.reverse': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sep.callback': ['slow', 'duplicate'],
  'stripe.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer'],
  'stripe.inquiry': ['slow', 'error', 'garbage', 'down', 'verified-before'],
  'stripe.cancel': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.callback': ['slow', 'duplicate'],
  'stripe.webhook': ['late', 'duplicate', 'out-of-order', 'never', 'forged'],
  // It only tells by messages.
  'webhook.webhook': ['late', 'duplicate', 'never', 'forged'],
} as const;

/** Settings under which the shop meets the banks of Iran here, and a card for transfers by hand. */
export function simulatedBanks(url: string, secretOf: SecretOf): Record<string, string> {
  return {
    PAYMENTS_ZARINPAL_URL: `${url}/zarinpal`,
    PAYMENTS_ZIBAL_URL: `${url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_ZIBAL_PLATFORM_URL: `${url}/zibal-platform`,
    PAYMENTS_ZIBAL_PLATFORM_TOKEN: 'zibal-platform-token',
    PAYMENTS_SADAD_URL: `${url}/sadad`,
    PAYMENTS_SADAD_MERCHANT_ID: '000000140000001',
    PAYMENTS_SADAD_TERMINAL_ID: '24000000',
    PAYMENTS_SADAD_TERMINAL_KEY: 'ASNFZ4mrze/+3LqYdlQyEBEiM0RVZneI',
    PAYMENTS_BEHPARDAKHT_URL: `${url}/behpardakht`,
    PAYMENTS_BEHPARDAKHT_TERMINAL_ID: '1234',
    PAYMENTS_BEHPARDAKHT_USER_NAME: 'kelid',
    PAYMENTS_BEHPARDAKHT_USER_PASSWORD: secretOf('behpardakht'),
    PAYMENTS_SEP_URL: `${url}/sep`,
    PAYMENTS_SEP_TERMINAL_ID: '2001',
    PAYMENTS_CARD_NUMBER: '6037990000000006',
    PAYMENTS_CARD_HOLDER: 'فروشگاه کلید',
  };
}
