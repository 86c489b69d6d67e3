import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { ShopConfig } from './config.ts';

const names = Object.keys(ShopConfig.shape);

beforeEach(() => {
  vi.resetModules();
  vi.unstubAllEnvs();
});

test('H60: an empty setting of the shop’s server is an absent one, wherever it is read', async () => {
  for (const nothing of ['', ' ']) {
    vi.resetModules();
    for (const name of names) vi.stubEnv(name, nothing);
    expect((await import('./config.ts')).config).toEqual(ShopConfig.parse({}));
    const { gatewayUrl, gatewayPublicUrl, shopUrl } = await import('./lib/gateway.ts');
    expect([gatewayUrl, gatewayPublicUrl, shopUrl]).toEqual([
      'http://127.0.0.1:8080',
      'http://localhost:8080',
      'http://localhost:3000',
    ]);
    const { proxy } = await import('./proxy.ts');
    const { NextRequest } = await import('next/server');
    const policy = proxy(new NextRequest('http://localhost:3000/')).headers.get('content-security-policy');
    expect(policy).toContain("form-action 'self' https://payment.zarinpal.com");
    expect(policy).toContain("connect-src 'self' ws://localhost:8080");
  }
});

test('PL-14: .env.example names every setting of the shop’s server', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../.env.example'), 'utf8');
  const part = text.slice(text.indexOf("# The shop's pages"));
  expect(names.filter((name) => !new RegExp(`^${name}=`, 'm').test(part))).toEqual([]);
});
