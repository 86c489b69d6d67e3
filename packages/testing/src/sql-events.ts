import * as events from '@kelid/contracts/events';
import { functionsBeside } from '@kelid/service/sql-functions';

/**
 * What is wrong with the events that a service's SQL functions have written, each as `type: why: its data`. `publish` parses what our code
 * tells; what SQL tells nobody parses before a consumer does, so here it is held against its schema, and may have no field besides.
 */
export async function wrongSqlEvents(
  migrationsFolder: string,
  query: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>,
): Promise<string[]> {
  const functions = functionsBeside(migrationsFolder)?.files ?? [];
  const wrong: string[] = [];
  for (const { type, schema } of Object.values(events)) {
    if (!functions.some(({ text }) => /insert into outbox/i.test(text) && text.includes(`'${type}'`))) continue;
    for (const { data } of await query('select data from outbox where type = $1', [type])) {
      const { error } = schema.strict().safeParse(data);
      if (error) wrong.push(`${type}: ${error.message}: ${JSON.stringify(data)}`);
    }
  }
  return wrong;
}
