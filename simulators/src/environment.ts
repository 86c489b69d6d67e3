import { addressOf } from '@kelid/contracts/address';
import { inventoryContract } from '@kelid/contracts/inventory';
import { paymentsContract } from '@kelid/contracts/payments';
import { type SecretOf, simulatedBanks } from './banks.ts';

/** What the backend must know to meet every simulator, and the simulators to send it messages. The card of transfers by hand is made up too. */
export function simulatorEnvironment(options: {
  /** The simulators' own, as browsers reach it. */
  url: string;
  smtpPort: number;
  gatewayUrl: string;
  /** The same secret for the same name: both sides are told it. */
  secretOf: SecretOf;
}): Record<string, string> {
  const { url, gatewayUrl, secretOf } = options;
  const paymentHook = (psp: string) =>
    gatewayUrl + addressOf(paymentsContract.operations.handlePspWebhook, { psp }).path;
  const { path: kinguinHook } = addressOf(inventoryContract.operations.handleSupplierWebhook, { supplier: 'kinguin' });
  return {
    ...simulatedBanks(url, secretOf),
    PAYMENTS_STRIPE_URL: `${url}/stripe`,
    PAYMENTS_STRIPE_SECRET_KEY: 'sk_test_kelid',
    PAYMENTS_STRIPE_RIAL_PER_MINOR: '12000',
    PAYMENTS_STRIPE_WEBHOOK_SECRETS: secretOf('stripe-webhook'),
    STRIPE_WEBHOOK_URL: paymentHook('stripe'),
    STRIPE_WEBHOOK_SECRETS: secretOf('stripe-webhook'),
    PAYMENTS_WEBHOOK_PAY_URL: `${url}/webhook-bank/pay`,
    PAYMENTS_WEBHOOK_SECRETS: secretOf('payment-webhook'),
    PAYMENT_WEBHOOK_URL: paymentHook('webhook'),
    PAYMENT_WEBHOOK_SECRETS: secretOf('payment-webhook'),
    INVENTORY_CODESWHOLESALE_URL: `${url}/codeswholesale`,
    INVENTORY_CODESWHOLESALE_CLIENT_ID: 'kelid',
    INVENTORY_CODESWHOLESALE_CLIENT_SECRET: secretOf('codeswholesale'),
    INVENTORY_MOOGOLD_URL: `${url}/moogold/wp-json/v1/api`,
    INVENTORY_MOOGOLD_PARTNER_ID: 'kelid',
    INVENTORY_MOOGOLD_SECRET_KEY: secretOf('moogold'),
    INVENTORY_KINGUIN_URL: `${url}/kinguin/esa/api`,
    INVENTORY_KINGUIN_API_KEY: secretOf('kinguin'),
    INVENTORY_KINGUIN_WEBHOOK_SECRET: secretOf('kinguin-webhook'),
    KINGUIN_WEBHOOK_URL: gatewayUrl + kinguinHook,
    KINGUIN_WEBHOOK_SECRET: secretOf('kinguin-webhook'),
    NOTIFICATIONS_KAVENEGAR_URL: `${url}/kavenegar`,
    NOTIFICATIONS_SMTP_URL: `smtp://127.0.0.1:${options.smtpPort}`,
    ...simulatedRates(url),
  };
}

export function simulatedRates(url: string): Record<string, string> {
  return {
    CATALOG_RATE_NAVASAN_URL: `${url}/navasan`,
    CATALOG_RATE_NAVASAN_KEY: 'kelid',
    CATALOG_RATE_BRSAPI_URL: `${url}/brsapi`,
    CATALOG_RATE_BRSAPI_KEY: 'kelid',
    CATALOG_RATE_NOBITEX_URL: `${url}/nobitex`,
  };
}
