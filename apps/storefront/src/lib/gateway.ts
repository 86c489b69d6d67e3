import { catalogContract } from '@kelid/contracts/catalog';
import { createHttpClient } from '@kelid/contracts/client';
import { serviceUnavailable } from '@kelid/contracts/common';
import { config } from '../config.ts';
import { logFault } from './log.ts';
import { visitorHeaders } from './visit.ts';

export const { GATEWAY_URL: gatewayUrl, GATEWAY_PUBLIC_URL: gatewayPublicUrl, SHOP_URL: shopUrl } = config;

/** Asks the gateway for the visitor. That it is away is a problem like others, so that pages and browsers are told so. */
export async function askGateway(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
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
  fetch: askGateway,
});
