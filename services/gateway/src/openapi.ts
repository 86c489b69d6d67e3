import { z } from 'zod';
import { apiRoot } from '@kelid/contracts/address';
import { problemsOf } from '@kelid/contracts/common';
import { type DeclaredProblem, ProblemBody } from '@kelid/contracts/contract';
import { publicOperations, type Route } from '@kelid/contracts/routes';

type Schemas = Record<string, unknown>;

/** OpenAPI 3.1 from the contracts: what validates is what is described. */
export function openApiDocument(publicUrl = '/'): Record<string, unknown> {
  const schemas: Schemas = {};
  const paths: Record<string, Record<string, unknown>> = {};
  schemaOf(ProblemBody.meta({ id: 'Problem' }), schemas);
  for (const route of publicOperations()) {
    const path = apiRoot + route.operation.path;
    paths[path] = { ...paths[path], [route.operation.method.toLowerCase()]: describe(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kelid',
      version: '1',
      description: 'Money in whole Rial, time in UTC, errors by RFC 9457.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  };
}

/** A schema as OpenAPI takes it: what refers to itself has a name, by `.meta({ id })`, and stands among the components. */
function schemaOf(type: z.ZodType, schemas: Schemas): Record<string, unknown> {
  const made = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' });
  const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $schema: _dialect, $defs, ...schema } = JSON.parse(text) as Record<string, unknown>;
  for (const [name, definition] of Object.entries($defs ?? {})) {
    if (name.startsWith('__')) throw new Error('A schema that refers to itself needs a name: .meta({ id })');
    schemas[name] = definition;
  }
  return schema;
}

function describe({ service, name, operation }: Route, schemas: Schemas): Record<string, unknown> {
  const input = schemaOf(operation.input, schemas);
  const properties = Object.entries((input['properties'] ?? {}) as Record<string, unknown>);
  const required = new Set((input['required'] ?? []) as string[]);
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
  const body = {
    type: 'object',
    properties: bodyProperties,
    required: [...required].filter((field) => field in bodyProperties),
    additionalProperties: false,
  };
  const hasBody = !isQuery && operation.transport === 'json' && Object.keys(bodyProperties).length > 0;
  const raw = { upload: 'image/*', webhook: '*/*' }[operation.transport as string];
  const content = hasBody ? { 'application/json': { schema: body } } : raw && { [raw]: {} };
  const isPublic = operation.access.includes('public');
  return {
    operationId: name,
    summary: operation.summary,
    tags: [service],
    security: isPublic ? [] : [{ bearer: [] }],
    'x-access': operation.access.filter((access) => access !== 'internal'),
    parameters,
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      [operation.status]: answerOf(operation, schemas),
      ...problemAnswers(problemsOf(operation), schemas),
      default: problemAnswer('A problem', reference('Problem')),
    },
  };
}

function answerOf(operation: Route['operation'], schemas: Schemas): Record<string, unknown> {
  const description = operation.summary;
  if (operation.status === 204 || operation.status === 303) return { description };
  if (operation.transport === 'download') return { description, content: { 'image/*': {} } };
  return { description, content: { 'application/json': { schema: schemaOf(operation.output, schemas) } } };
}

/** OpenAPI has one place for each status; the problems that share it are told apart by their code. */
function problemAnswers(problems: readonly DeclaredProblem[], schemas: Schemas): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(problems, ({ status }) => status)).map(([status, own = []]) => {
      const each = own.map((problem) => problemSchema(problem, schemas));
      return [
        status,
        problemAnswer(
          own.map(({ code, title }) => `${code}: ${title}`).join('; '),
          each.length > 1 ? { oneOf: each, discriminator: { propertyName: 'code' } } : each[0],
        ),
      ];
    }),
  );
}

/** A problem is a component by the name of its code, which is also what tells it apart. */
function problemSchema({ code, data }: DeclaredProblem, schemas: Schemas): Record<string, unknown> {
  if (!(code in schemas)) {
    const { properties, required = [] } = schemaOf(data, schemas) as { properties: object; required?: string[] };
    schemas[code] = {
      allOf: [
        reference('Problem'),
        { type: 'object', properties: { code: { const: code }, ...properties }, required: ['code', ...required] },
      ],
    };
  }
  return reference(code);
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function problemAnswer(description: string, schema: unknown): Record<string, unknown> {
  return { description, content: { 'application/problem+json': { schema } } };
}

/** A reader of the API that needs no script from anywhere. */
export function docsPage(): string {
  const rows = publicOperations().map(({ service, name, operation }) => {
    const fields = Object.keys(
      z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }).properties ?? {},
    ).join(', ');
    return `<tr><td><code>${operation.method}</code></td><td><code>${apiRoot}${escape(operation.path)}</code></td><td>${escape(operation.summary)}<br><small>${service}.${name}${fields ? ` · ${escape(fields)}` : ''}</small></td><td>${operation.access.filter((access) => access !== 'internal').join(', ')}</td></tr>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Kelid API</title><style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:start;padding:.5rem;border-bottom:1px solid #8884;vertical-align:top}small{opacity:.7}</style></head><body><h1>Kelid API</h1><p>The whole description: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p><table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Who</th></tr></thead><tbody>${rows.join('')}</tbody></table></body></html>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
