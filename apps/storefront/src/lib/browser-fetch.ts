/** What the shop's own origin answered: the body of a success, or the code of a problem. */
export type Answer<T> =
  | { ok: true; value: T }
  | { ok: false; code: string; status: number; data: Record<string, unknown> };

/**
 * Calls the API on the shop's own origin. Pages use this small caller and the contracts' types; the schemas themselves stay on the
 * server, where every answer was checked, so that a phone need not load them.
 */
export async function call<T>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  try {
    const response = await fetch(`/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const value = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return { ok: true, value };
    return {
      ok: false,
      code: typeof value?.code === 'string' ? value.code : 'other',
      status: response.status,
      data: value ?? {},
    };
  } catch {
    return { ok: false, code: 'other', status: 0, data: {} };
  }
}
