import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { presentOnly } from '@kelid/service/environment';
import { simulatorEnvironment } from '@kelid/simulators/environment';

const given = presentOnly(process.env);

/** Where the embedded shop keeps its data, secrets and files; ignored by git. */
export const dataFolder = given['DATA_FOLDER'] ?? join(import.meta.dirname, '../../../.data');

export const ports = {
  shop: Number(given['SHOP_PORT'] ?? 3000),
  gateway: Number(given['PORT'] ?? 8080),
  internal: Number(given['INTERNAL_PORT'] ?? 9464),
  simulators: Number(given['SIMULATORS_PORT'] ?? 4000),
  mail: Number(given['SIMULATORS_SMTP_PORT'] ?? 1025),
  postgres: Number(given['POSTGRES_PORT'] ?? 5433),
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
    ...simulatorEnvironment({
      url: `http://localhost:${ports.simulators}`,
      smtpPort: ports.mail,
      gatewayUrl: `http://localhost:${ports.gateway}`,
      secretOf,
    }),
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
    NOTIFICATIONS_SECRET: secretOf('notifications'),
    NOTIFICATIONS_SHOP_URL: `http://localhost:${ports.shop}`,
    PAYMENTS_CALLBACK_URL: `http://localhost:${ports.gateway}`,
    PAYMENTS_SHOP_URL: `http://localhost:${ports.shop}`,
    PAYMENTS_CARD_HASH_SECRET: secretOf('card-hash'),
    CATALOG_MEDIA_SECRET: secretOf('media'),
    CATALOG_MEDIA_FOLDER: join(dataFolder, 'media'),
  };
  return { ...own, ...given };
}
