import { z } from 'zod';
import { contracts } from '@kelid/contracts/all';
import { ProblemBody, type Contract, type Operation } from '@kelid/contracts/contract';

/** The operations that the public can reach: everything that is not only between services. */
export function publicOperations(): { service: string; name: string; operation: Operation }[] {
  return Object.values(contracts).flatMap((contract: Contract) =>
    Object.entries(contract.operations)
      .filter(([, operation]) => operation.access.some((access) => access !== 'internal'))
      .map(([name, operation]) => ({ service: contract.name, name, operation })),
  );
}

/** OpenAPI 3.1 from the contracts: what validates is what is described. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { service, name, operation } of publicOperations()) {
    const path = `/api/v1${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(service, name, operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Kelid', version: '1', description: 'Money in whole Rial, time in UTC, errors by RFC 9457.' },
    paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  };
}

function describe(service: string, name: string, operation: Operation): Record<string, unknown> {
  const input = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
  const properties = Object.entries(input.properties ?? {});
  const required = new Set(input.required ?? []);
  const pathFields = new Set([...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
  const isQuery = operation.method === 'GET' && operation.transport !== 'form';
  const parameters: Record<string, unknown>[] = properties
    .filter(([field]) => pathFields.has(field) || isQuery)
    .map(([field, schema]) => ({
      name: field,
      in: pathFields.has(field) ? 'path' : 'query',
      required: pathFields.has(field) || required.has(field),
      schema,
    }));
  if (operation.idempotent)
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: true,
      schema: { type: 'string', format: 'uuid' },
    });
  const bodyProperties = Object.fromEntries(properties.filter(([field]) => !pathFields.has(field)));
  const hasBody = !isQuery && operation.transport === 'json' && Object.keys(bodyProperties).length > 0;
  const isPublic = operation.access.includes('public');
  const problems = Object.fromEntries(
    operation.problems.map((problem) => [
      String(problem.status),
      { description: problem.title, content: { 'application/problem+json': { schema: z.toJSONSchema(ProblemBody) } } },
    ]),
  );
  return {
    operationId: name,
    summary: operation.summary,
    tags: [service],
    security: isPublic ? [] : [{ bearer: [] }],
    'x-access': operation.access.filter((access) => access !== 'internal'),
    parameters,
    ...(hasBody
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: bodyProperties,
                  required: [...required].filter((field) => field in bodyProperties),
                  additionalProperties: false,
                },
              },
            },
          },
        }
      : {}),
    responses: {
      [operation.status]:
        operation.status === 204 || operation.status === 303
          ? { description: operation.summary }
          : {
              description: operation.summary,
              content: {
                'application/json': {
                  schema: z.toJSONSchema(operation.output, { io: 'input', unrepresentable: 'any' }),
                },
              },
            },
      ...problems,
      default: {
        description: 'A problem',
        content: { 'application/problem+json': { schema: z.toJSONSchema(ProblemBody) } },
      },
    },
  };
}

/** A reader of the API that needs no script from anywhere. */
export function docsPage(): string {
  const rows = publicOperations().map(({ service, name, operation }) => {
    const fields = Object.keys(
      z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }).properties ?? {},
    ).join(', ');
    return `<tr><td><code>${operation.method}</code></td><td><code>/api/v1${escape(operation.path)}</code></td><td>${escape(operation.summary)}<br><small>${service}.${name}${fields ? ` · ${escape(fields)}` : ''}</small></td><td>${operation.access.filter((access) => access !== 'internal').join(', ')}</td></tr>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Kelid API</title><style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:start;padding:.5rem;border-bottom:1px solid #8884;vertical-align:top}small{opacity:.7}</style></head><body><h1>Kelid API</h1><p>The whole description: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p><table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Who</th></tr></thead><tbody>${rows.join('')}</tbody></table></body></html>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
