import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '@kelid/service/environment';
import { startHost } from '@kelid/service/host';
import { ConfigError } from '@kelid/service/host-config';
import { startServices } from '@kelid/testing/start-service';
import { expect, test } from 'vitest';
import { completeEnvExample } from './env-example.ts';
import { allServices } from './services.ts';

const text = readFileSync(join(import.meta.dirname, '../../../.env.example'), 'utf8');
/** As a shell or a container reads the file. */
const example: Record<string, string> = Object.fromEntries(
  [...text.matchAll(/^([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value.replace(/\s*#.*$/, '').trim(),
  ]),
);

async function missingOf(env: Environment): Promise<string> {
  const error: unknown = await startHost({ services: allServices, env }).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error('It did not stop at its configuration', { cause: error });
  return error.message;
}

test('PL-14: .env.example names every setting that the code reads', () => {
  expect(text, 'run: npm run kelid -- env example').toBe(completeEnvExample(text));
});

test('PL-14: in production no default is a simulator or this machine: all that is missing is named in one line', async () => {
  const secret = randomBytes(32).toString('base64');
  const secrets = Object.fromEntries(
    Object.keys(example).flatMap((name) => (name.endsWith('SECRET') ? [[name, secret]] : [])),
  );
  const message = await missingOf({ NODE_ENV: 'production', ...secrets });
  for (const name of [
    'PAYMENTS_ZARINPAL_URL',
    'PAYMENTS_ZARINPAL_MERCHANT_ID',
    'PAYMENTS_SHOP_URL',
    'NOTIFICATIONS_KAVENEGAR_KEY',
    'NOTIFICATIONS_SMTP_URL',
  ])
    expect(message).toContain(`${name} is missing`);
  expect(message).not.toContain('\n');
  expect(await missingOf({ ...secrets })).not.toContain('ZARINPAL');
});

test('PL-14: the example boots in production once what it leaves open is filled in, and an empty value is an absent one', async () => {
  const base64 = () => randomBytes(32).toString('base64');
  const filled: Record<string, string> = {
    IDENTITY_SECRET: base64(),
    CATALOG_MEDIA_SECRET: base64(),
    INVENTORY_KEK: base64(),
    INVENTORY_BLIND_INDEX_KEY: base64(),
    NOTIFICATIONS_SECRET: base64(),
    PAYMENTS_CARD_HASH_SECRET: base64(),
    PAYMENTS_ZARINPAL_MERCHANT_ID: '7a0d4c1e-52f6-4c8e-9f0a-3b1d2c4e5f60',
    NOTIFICATIONS_KAVENEGAR_KEY: 'a key of the provider',
    NOTIFICATIONS_SMTP_URL: 'smtps://mail.shop.ir',
  };
  const env = Object.fromEntries(
    Object.entries({ ...example, ...filled }).filter(
      ([name]) => !/DATABASE_URL|MIGRATION_URL|^SERVICE_TOKEN|PORT$/.test(name),
    ),
  );
  const open = Object.keys(env).filter((name) => env[name] === '');
  expect(open).toContain('PAYMENTS_MATCHED_CARD_FROM_RIAL');
  const shop = await startServices({ services: allServices, env: { ...env, RUN: 'api' } });
  expect((await shop.host.readiness()).isReady).toBe(true);
  await shop.close();
}, 120_000);
