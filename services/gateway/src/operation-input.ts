import type { FastifyRequest } from 'fastify';
import { invalidInput, unsupportedMediaType } from '@kelid/contracts/common';
import type { Route as KnownRoute } from '@kelid/contracts/routes';
import { mergeInput, type QueryReader } from './raw-input.ts';

export interface Route extends KnownRoute {
  readQuery: QueryReader;
}

type Fields = Record<string, unknown>;

/** The input of an operation as it came, from path, query and body; its contract has not judged it yet. */
export function inputOf(route: Route, request: FastifyRequest): Fields {
  const params = plain(request.params);
  const query = plain(request.query);
  const { operation } = route;
  if (operation.transport === 'form') return { ...params, params: textsOfBank({ ...query, ...plain(request.body) }) };
  if (operation.transport === 'webhook')
    return {
      ...params,
      headers: headersOf(request, operation.webhookHeaders ?? []),
      body: typeof request.body === 'string' ? request.body : '',
    };
  if (operation.method === 'GET') return mergeInput(route.readQuery(params), route.readQuery(query));
  if (Object.keys(query).length > 0)
    throw invalidInput({ errors: Object.keys(query).map((field) => ({ field, message: 'Send this in the body' })) });
  if (operation.transport === 'upload') {
    if (!Buffer.isBuffer(request.body)) throw unsupportedMediaType('Send the picture itself');
    return {
      ...params,
      contentType: request.headers['content-type'] ?? '',
      contentBase64: request.body.toString('base64'),
    };
  }
  return mergeInput(params, plain(request.body));
}

/** What a browser brings back from a bank: any names, as texts, few and short. */
function textsOfBank(all: Fields): Fields {
  const texts = Object.entries(all).filter(
    ([name, value]) => typeof value === 'string' && value.length <= 512 && name.length <= 64,
  );
  return Object.fromEntries(texts.slice(0, 30));
}

function headersOf(request: FastifyRequest, names: readonly string[]): Record<string, string> {
  const own = names.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' && value.length <= 512 ? [[name, value] as const] : [];
  });
  return Object.fromEntries(own);
}

function plain(value: unknown): Fields {
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value)) : {};
}
