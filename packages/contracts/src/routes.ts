import { apiRoot } from './address.ts';
import { contracts } from './all.ts';
import type { Contract, Operation } from './contract.ts';

export interface Route {
  service: string;
  name: string;
  operation: Operation;
}

/** The operations that the public can reach: everything that is not only between services. */
export function publicOperations(): Route[] {
  return Object.values(contracts).flatMap((contract: Contract) =>
    Object.entries(contract.operations)
      .filter(([, operation]) => operation.access.some((access) => access !== 'internal'))
      .map(([name, operation]) => ({ service: contract.name, name, operation })),
  );
}

const isField = (part: string) => part.startsWith('{');
// What is spelt out goes before a field that would take the same word.
const known = publicOperations()
  .map((route) => ({ ...route, parts: (apiRoot + route.operation.path).split('/') }))
  .toSorted((a, b) => a.parts.filter(isField).length - b.parts.filter(isField).length);

/**
 * The operation behind an address, however its letters are escaped, and the one spelling of that address to go on with: two spellings of
 * one operation are never treated in two ways. `methods` tells what else the address can do.
 */
export function findRoute(
  method: string,
  pathname: string,
): { route: Route | undefined; path: string; methods: string[] } {
  const none = { route: undefined, path: pathname, methods: [] };
  let parts: string[];
  try {
    parts = pathname.split('/').map(decodeURIComponent);
  } catch {
    return none;
  }
  if (parts.some((part, index) => (part === '' && index > 0) || part === '.' || part === '..')) return none;
  const fitting = known.filter(
    (route) =>
      route.parts.length === parts.length &&
      route.parts.every((wanted, index) => isField(wanted) || wanted === parts[index]),
  );
  return {
    route: fitting.find((route) => route.operation.method === method),
    path: parts.map(encodeURIComponent).join('/'),
    methods: fitting.map((route) => route.operation.method),
  };
}
