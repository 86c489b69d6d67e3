import type { Psp } from '@kelid/contracts/payments';
import type { PaymentsConfig } from '../config.ts';
import { createBehpardakht } from './behpardakht.ts';
import type { PspProvider } from './psp.ts';
import { createCardToCard } from './card-to-card.ts';
import { createSadad } from './sadad.ts';
import { createStripe } from './stripe.ts';
import { createWebhookPsp } from './webhook.ts';
import { createSep } from './sep.ts';
import { createZarinpal } from './zarinpal.ts';
import { createZibal } from './zibal.ts';

/** The PSPs that this shop has a contract with: those whose credentials are given. */
export function createPsps(config: PaymentsConfig): Partial<Record<Psp, PspProvider>> {
  const psps: (PspProvider | undefined)[] = [
    createZarinpal({ baseUrl: config.PAYMENTS_ZARINPAL_URL, merchantId: config.PAYMENTS_ZARINPAL_MERCHANT_ID }),
    config.PAYMENTS_ZIBAL_MERCHANT === undefined
      ? undefined
      : createZibal({
          baseUrl: config.PAYMENTS_ZIBAL_URL,
          merchant: config.PAYMENTS_ZIBAL_MERCHANT,
          ...(config.PAYMENTS_ZIBAL_PLATFORM_TOKEN === undefined
            ? {}
            : {
                platform: {
                  baseUrl: config.PAYMENTS_ZIBAL_PLATFORM_URL,
                  token: config.PAYMENTS_ZIBAL_PLATFORM_TOKEN,
                },
              }),
        }),
    createSadadOf(config),
    behpardakhtOf(config),
    createStripeOf(config),
    createWebhookOf(config),
    config.PAYMENTS_CARD_NUMBER === undefined || config.PAYMENTS_CARD_HOLDER === undefined
      ? undefined
      : createCardToCard({ shopUrl: config.PAYMENTS_SHOP_URL }),
    config.PAYMENTS_SEP_TERMINAL_ID === undefined
      ? undefined
      : createSep({ baseUrl: config.PAYMENTS_SEP_URL, terminalId: config.PAYMENTS_SEP_TERMINAL_ID }),
  ];
  return Object.fromEntries(psps.flatMap((psp) => (psp ? [[psp.psp, psp]] : [])));
}

function createSadadOf(config: PaymentsConfig): PspProvider | undefined {
  const { PAYMENTS_SADAD_MERCHANT_ID: merchantId, PAYMENTS_SADAD_TERMINAL_ID: terminalId } = config;
  const { PAYMENTS_SADAD_TERMINAL_KEY: terminalKey, PAYMENTS_SADAD_URL: baseUrl } = config;
  if (merchantId === undefined || terminalId === undefined || terminalKey === undefined) return undefined;
  return createSadad({ baseUrl, merchantId, terminalId, terminalKey });
}

function behpardakhtOf(config: PaymentsConfig): PspProvider | undefined {
  const { PAYMENTS_BEHPARDAKHT_TERMINAL_ID: terminalId, PAYMENTS_BEHPARDAKHT_USER_NAME: userName } = config;
  const { PAYMENTS_BEHPARDAKHT_URL: baseUrl, PAYMENTS_BEHPARDAKHT_USER_PASSWORD: userPassword } = config;
  if (terminalId === undefined || userName === undefined || userPassword === undefined) return undefined;
  return createBehpardakht({ baseUrl, terminalId, userName, userPassword });
}

function createStripeOf(config: PaymentsConfig): PspProvider | undefined {
  const { PAYMENTS_STRIPE_SECRET_KEY: secretKey, PAYMENTS_STRIPE_RIAL_PER_MINOR: rialPerMinor } = config;
  if (secretKey === undefined) return undefined;
  if (rialPerMinor === undefined) throw new Error('PAYMENTS_STRIPE_RIAL_PER_MINOR is needed with the key of Stripe');
  return createStripe({
    baseUrl: config.PAYMENTS_STRIPE_URL,
    secretKey,
    currency: config.PAYMENTS_STRIPE_CURRENCY,
    rialPerMinor,
    webhookSecrets: config.PAYMENTS_STRIPE_WEBHOOK_SECRETS,
  });
}

function createWebhookOf(config: PaymentsConfig): PspProvider | undefined {
  const { PAYMENTS_WEBHOOK_PAY_URL: payUrl, PAYMENTS_WEBHOOK_SECRETS: secrets } = config;
  if (secrets.length === 0) return undefined;
  const title = { fa: 'درگاه همکار', en: 'Partner gateway' };
  return createWebhookPsp({ payUrl, secrets, title, now: Date.now });
}
