import { catalogContract } from '@kelid/contracts/catalog';
import { createHttpClient } from '@kelid/contracts/client';
import { serviceUnavailable } from '@kelid/contracts/common';
import { logFault } from './log.ts';
import { visitorHeaders } from './visit.ts';

export const gatewayUrl = process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:8080';
export const gatewayPublicUrl = process.env['GATEWAY_PUBLIC_URL'] ?? 'http://localhost:8080';
export const shopUrl = process.env['SHOP_URL'] ?? 'http://localhost:3000';

/** Asks the gateway for the visitor. That it is away is a problem like others, so that pages and browsers are told so. */
export async function askGateway(url: string | URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(visitorHeaders())) headers.set(name, value);
  try {
    return await fetch(url, { ...init, headers, cache: 'no-store' });
  } catch (error) {
    logFault('warn', 'the gateway does not answer', error);
    throw serviceUnavailable({ retryAfterSeconds: 5 });
  }
}

/** The catalogue, for pages made on the server. The gateway keeps its answers as bytes, so no second cache is needed here. */
export const catalog = createHttpClient(catalogContract, {
  baseUrl: gatewayUrl,
  timeoutMs: 5_000,
  fetch: (input, init) => askGateway(input instanceof Request ? input.url : input, init ?? {}),
});
