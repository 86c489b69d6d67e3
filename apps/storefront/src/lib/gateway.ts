import { catalogContract } from '@kelid/contracts/catalog';
import { createHttpClient } from '@kelid/contracts/client';

export const gatewayUrl = process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:8080';
export const gatewayPublicUrl = process.env['GATEWAY_PUBLIC_URL'] ?? 'http://localhost:8080';
export const shopUrl = process.env['SHOP_URL'] ?? 'http://localhost:3000';

/** The catalogue, for pages made on the server. The gateway keeps its answers as bytes, so no second cache is needed here. */
export const catalog = createHttpClient(catalogContract, {
  baseUrl: gatewayUrl,
  timeoutMs: 5_000,
  fetch: (input, init) => fetch(input, { ...init, cache: 'no-store' }),
});
