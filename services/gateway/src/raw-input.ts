import { z } from 'zod';
import { badRequest, invalidInput } from '@kelid/contracts/common';
import type { Operation } from '@kelid/contracts/contract';

/** Turns a query's texts into what the operation's schema asks for, and leaves what does not fit for the schema to refuse. */
export type QueryReader = (query: Record<string, unknown>) => Record<string, unknown>;

export function createQueryReader(operation: Operation): QueryReader {
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
  const types = new Map<string, string>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (typeof property === 'object' && typeof property.type === 'string') types.set(name, property.type);
  }
  return (query) => {
    const input: Record<string, unknown> = Object.create(null); // Where `__proto__` is a name like any other, and so none of ours.
    for (const [name, value] of Object.entries(query)) {
      const type = types.get(name);
      if (typeof value !== 'string') input[name] = value;
      else if (type === 'integer' && /^-?\d{1,15}$/.test(value)) input[name] = Number(value);
      else if (type === 'boolean' && (value === 'true' || value === 'false')) input[name] = value === 'true';
      else input[name] = value;
    }
    return input;
  };
}

/** One object from path, query and body. A field that is given twice is a 422: nobody should guess which one counts. */
export function mergeInput(...parts: Record<string, unknown>[]): Record<string, unknown> {
  const merged: Record<string, unknown> = Object.create(null);
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) {
      if (name in merged) throw invalidInput({ errors: [{ field: name, message: 'Given twice' }] });
      merged[name] = value;
    }
  }
  return { ...merged };
}

const unknownField = (field: string) => invalidInput({ errors: [{ field, message: 'Unknown field' }] });
const depthMax = 16;

/** Parses a JSON object, refusing a name that stands twice in one object, which parsers silently read in different ways. */
export function parseJsonBody(text: string): Record<string, unknown> {
  checkNames(text);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw badRequest('The body is not JSON');
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalidInput({ errors: [{ field: '', message: 'Send a JSON object' }] });
  return Object.fromEntries(Object.entries(body));
}

function checkNames(text: string): void {
  const open: Set<string>[] = [];
  const string = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
  const colon = /\s*:/y;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === 0x7b || sign === 0x5b) {
      open.push(new Set());
      if (open.length > depthMax) throw badRequest('The body is nested too deeply');
    } else if (sign === 0x7d || sign === 0x5d) open.pop();
    else if (sign === 0x22) {
      string.lastIndex = at;
      const literal = string.exec(text)?.[0];
      if (literal === undefined) return; // Not JSON; the parser says so.
      at += literal.length - 1;
      colon.lastIndex = at + 1;
      if (!colon.test(text)) continue;
      // A letter may be written as an escape, which is the same name to every reader of JSON.
      const name = literal.includes('\\') ? unescaped(literal) : literal.slice(1, -1);
      const names = open.at(-1);
      if (names?.has(name)) throw invalidInput({ errors: [{ field: name, message: 'Given twice' }] });
      // No field of ours, and to some readers not even a field.
      if (name === '__proto__') throw unknownField(name);
      names?.add(name);
    }
  }
}

function unescaped(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    throw badRequest('The body is not JSON');
  }
}
