import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the embedded shop keeps its data, secrets and files; ignored by git. */
export const dataFolder = process.env['DATA_FOLDER'] ?? join(import.meta.dirname, '../../../.data');

export const ports = {
  shop: Number(process.env['SHOP_PORT'] ?? 3000),
  gateway: Number(process.env['PORT'] ?? 8080),
  internal: Number(process.env['INTERNAL_PORT'] ?? 9464),
  simulators: Number(process.env['SIMULATORS_PORT'] ?? 4000),
  mail: Number(process.env['SIMULATORS_SMTP_PORT'] ?? 1025),
  postgres: Number(process.env['POSTGRES_PORT'] ?? 5433),
};

/** The secrets of this machine's shop: made once, kept beside its data. Losing the file loses every stored product key. */
export function readSecrets(): (name: string) => string {
  const file = join(dataFolder, 'secret');
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600 });
  }
  const root = readFileSync(file, 'utf8').trim();
  return (name) => createHash('sha256').update(`${root}|${name}`).digest('base64url');
}

/** The environment of the backend when everything runs on this machine. What the caller's environment says wins. */
export function serverEnvironment(options: {
  databaseUrls: Record<string, string>;
  secretOf: (name: string) => string;
}): Record<string, string> {
  const { secretOf } = options;
  const base64 = (name: string) => Buffer.from(secretOf(name), 'base64url').toString('base64');
  const own: Record<string, string> = {
    ...options.databaseUrls,
    PORT: String(ports.gateway),
    INTERNAL_PORT: String(ports.internal),
    LOG_LEVEL: 'warn',
    SHUTDOWN_WAIT_MS: '0', // No proxy stands in front.
    SERVICE_TOKEN_SECRET: secretOf('service-token'),
    GATEWAY_TRUSTED_PROXIES: '127.0.0.1,::1,::ffff:127.0.0.1',
    GATEWAY_CORS_ORIGINS: `http://localhost:${ports.shop}`,
    // One machine is all of its customers here.
    GATEWAY_ANONYMOUS_PER_MINUTE: '6000',
    GATEWAY_USER_PER_MINUTE: '6000',
    IDENTITY_SECRET: secretOf('identity'),
    INVENTORY_KEK: base64('kek'),
    INVENTORY_KEK_ID: 'kek-202611',
    INVENTORY_BLIND_INDEX_KEY: base64('blind-index'),
    INVENTORY_CODESWHOLESALE_URL: `http://127.0.0.1:${ports.simulators}/codeswholesale`,
    INVENTORY_CODESWHOLESALE_CLIENT_ID: 'kelid',
    INVENTORY_CODESWHOLESALE_CLIENT_SECRET: secretOf('codeswholesale'),
    INVENTORY_MOOGOLD_URL: `http://127.0.0.1:${ports.simulators}/moogold/wp-json/v1/api`,
    INVENTORY_MOOGOLD_PARTNER_ID: 'kelid',
    INVENTORY_MOOGOLD_SECRET_KEY: secretOf('moogold'),
    INVENTORY_KINGUIN_URL: `http://127.0.0.1:${ports.simulators}/kinguin/esa/api`,
    INVENTORY_KINGUIN_API_KEY: secretOf('kinguin'),
    INVENTORY_KINGUIN_WEBHOOK_SECRET: secretOf('kinguin-webhook'),
    KINGUIN_WEBHOOK_URL: `http://127.0.0.1:${ports.gateway}/api/v1/suppliers/webhook/kinguin`,
    KINGUIN_WEBHOOK_SECRET: secretOf('kinguin-webhook'),
    NOTIFICATIONS_SECRET: secretOf('notifications'),
    NOTIFICATIONS_KAVENEGAR_URL: `http://127.0.0.1:${ports.simulators}/kavenegar`,
    NOTIFICATIONS_SMTP_URL: `smtp://127.0.0.1:${ports.mail}`,
    NOTIFICATIONS_SHOP_URL: `http://localhost:${ports.shop}`,
    PAYMENTS_ZIBAL_URL: `http://localhost:${ports.simulators}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_ZIBAL_PLATFORM_URL: `http://localhost:${ports.simulators}/zibal-platform`,
    PAYMENTS_ZIBAL_PLATFORM_TOKEN: 'zibal-platform-token',
    PAYMENTS_SADAD_URL: `http://localhost:${ports.simulators}/sadad`,
    PAYMENTS_SADAD_MERCHANT_ID: '000000140000001',
    PAYMENTS_SADAD_TERMINAL_ID: '24000000',
    PAYMENTS_SADAD_TERMINAL_KEY: 'ASNFZ4mrze/+3LqYdlQyEBEiM0RVZneI', // Of the simulator; it is made up.
    PAYMENTS_BEHPARDAKHT_URL: `http://localhost:${ports.simulators}/behpardakht`,
    PAYMENTS_BEHPARDAKHT_TERMINAL_ID: '1234',
    PAYMENTS_BEHPARDAKHT_USER_NAME: 'kelid',
    PAYMENTS_BEHPARDAKHT_USER_PASSWORD: secretOf('behpardakht'),
    PAYMENTS_STRIPE_URL: `http://localhost:${ports.simulators}/stripe`,
    PAYMENTS_STRIPE_SECRET_KEY: 'sk_test_kelid',
    PAYMENTS_STRIPE_RIAL_PER_MINOR: '12000',
    PAYMENTS_STRIPE_WEBHOOK_SECRETS: secretOf('stripe-webhook'),
    STRIPE_WEBHOOK_URL: `http://localhost:${ports.gateway}/api/v1/payments/webhook/stripe`,
    STRIPE_WEBHOOK_SECRETS: secretOf('stripe-webhook'),
    PAYMENTS_WEBHOOK_PAY_URL: `http://localhost:${ports.simulators}/webhook-bank/pay`,
    PAYMENTS_WEBHOOK_SECRETS: secretOf('payment-webhook'),
    PAYMENT_WEBHOOK_URL: `http://localhost:${ports.gateway}/api/v1/payments/webhook/webhook`,
    PAYMENT_WEBHOOK_SECRETS: secretOf('payment-webhook'),
    PAYMENTS_CARD_NUMBER: '6037990000000006',
    PAYMENTS_CARD_HOLDER: 'فروشگاه کلید',
    PAYMENTS_SEP_URL: `http://localhost:${ports.simulators}/sep`,
    PAYMENTS_SEP_TERMINAL_ID: '2001',
    PAYMENTS_ZARINPAL_URL: `http://localhost:${ports.simulators}/zarinpal`,
    PAYMENTS_CALLBACK_URL: `http://localhost:${ports.gateway}`,
    PAYMENTS_SHOP_URL: `http://localhost:${ports.shop}`,
    PAYMENTS_CARD_HASH_SECRET: secretOf('card-hash'),
    CATALOG_MEDIA_SECRET: secretOf('media'),
    CATALOG_MEDIA_FOLDER: join(dataFolder, 'media'),
    CATALOG_RATE_NAVASAN_URL: `http://127.0.0.1:${ports.simulators}/navasan`,
    CATALOG_RATE_NAVASAN_KEY: 'kelid',
    CATALOG_RATE_BRSAPI_URL: `http://127.0.0.1:${ports.simulators}/brsapi`,
    CATALOG_RATE_BRSAPI_KEY: 'kelid',
    CATALOG_RATE_NOBITEX_URL: `http://127.0.0.1:${ports.simulators}/nobitex`,
  };
  const given = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...own, ...Object.fromEntries(given) };
}
