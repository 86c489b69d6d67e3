import { createTestDatabase } from '@kelid/testing/test-postgres';
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { createLogger } from './log.ts';
import { inbox } from './test-tables.ts';
import { migrationsFolder } from './test-services.ts';

function startLog() {
  const lines: string[] = [];
  return { lines, log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }) };
}

test('I17: a field that is not on the list never reaches the log, whatever it is called, and only its count does', () => {
  const { lines, log } = startLog();
  const secrets = {
    productKey: 'STEAM-AAAA-BBBB',
    otpCode: '482913',
    authorization: 'Bearer eyJ',
    cardNumber: '6037991234567890',
    phone: '09121234567',
  };
  // What the compiler refuses may still come from where it does not look.
  const unchecked: object = secrets;
  log.info({ orderId: '0193-order', ...unchecked }, 'the order was delivered');
  log.child({ ...unchecked, service: 'orders' }).error({ ...({ request: { body: secrets } } as object) }, 'it failed');
  for (const secret of Object.values(secrets)) expect(lines.join('')).not.toContain(secret);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'info',
    orderId: '0193-order',
    droppedCount: 5,
    msg: 'the order was delivered',
  });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ level: 'error', service: 'orders', droppedCount: 1 });
});

test('I17: the compiler refuses a field that is not on the list, in what is spread too', () => {
  const { lines, log } = startLog();
  const row = { orderId: '0193-order', phone: '09121234567' };
  // @ts-expect-error -- a product key is no log field
  log.info({ productKey: 'STEAM-AAAA-BBBB' }, 'the order was delivered');
  // @ts-expect-error -- nor is anything else of a row that is spread
  log.error({ ...row, alarm: 'bug' }, 'it failed');
  // @ts-expect-error -- nor what only one of two cases brings
  log.warn({ alarm: 'bug', ...(lines.length > 0 ? row : {}) }, 'it failed');
  // @ts-expect-error -- nor what stays with every line of a child
  log.child({ service: 'orders', token: 'Bearer eyJ' });
  // @ts-expect-error -- nor an object, whose fields nobody knows
  log.info({ reason: row }, 'it failed');
  expect(lines).toHaveLength(4);
  expect(lines.slice(0, 3).join('')).not.toMatch(/STEAM|0912/);
});

test('I17: an error keeps its kind, code and place, and loses the fields that somebody hung on it', () => {
  const { lines, log } = startLog();
  const cause = Object.assign(new Error('The bank did not answer'), {
    code: 'ECONNRESET',
    headers: { authorization: 'Bearer eyJ' },
  });
  log.warn({ err: new Error('The attempt could not be verified', { cause }) }, 'a call failed');
  log.warn({ err: 'STEAM-AAAA-BBBB' }, 'something was thrown that is no error');
  expect(lines.join('')).not.toMatch(/eyJ|STEAM/);
  const [first, second] = lines.map((line) => JSON.parse(line) as { err: Record<string, unknown> });
  expect(first?.err).toMatchObject({
    type: 'Error',
    message: 'The attempt could not be verified',
    cause: { code: 'ECONNRESET' },
  });
  expect(first?.err['stack']).toContain('log.test.ts');
  expect(second?.err).toEqual({ type: 'string' });
});

test('I17: a statement that the database refused is logged without the values it was sent', async () => {
  const { lines, log } = startLog();
  const testDatabase = await createTestDatabase('orders', { migrationsFolder });
  const database = openDatabase({ url: testDatabase.appUrl, poolMax: 1, log, name: 'log-test' });
  const row = { eventId: '0193a3c4-0000-7000-8000-000000000000', consumer: 'STEAM-AAAA-BBBB' };
  await database.db.insert(inbox).values(row);
  for (const attempt of [
    database.db.insert(inbox).values(row),
    database.db.execute(sql`select ${'STEAM-AAAA-BBBB'}::text from nowhere`),
  ]) {
    const error: unknown = await Promise.resolve(attempt).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    log.error({ err: error }, 'a call failed');
  }
  expect(lines).toHaveLength(2);
  expect(lines.join('')).toContain('inbox_event_id_consumer_pk');
  expect(lines.join('')).not.toContain('STEAM');
  await database.close();
  await testDatabase.drop();
});
