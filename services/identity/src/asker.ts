import { and, eq, or } from 'drizzle-orm';
import type { Db, Tx } from '@kelid/service/context';
import { ipPrefix } from '@kelid/service/ip-network';
import { type Asker, sessions, users } from './db/schema.ts';

/** From where a number signed in before is nobody's to fake: the device is a cookie, the network is the connection itself. */
export async function askerOf(db: Db | Tx, phone: string, deviceHash: string | null, ip: string): Promise<Asker> {
  const isDevice = deviceHash === null ? undefined : eq(sessions.deviceHash, deviceHash);
  const found = await db
    .selectDistinct({ deviceHash: sessions.deviceHash })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(and(eq(users.phone, phone), or(isDevice, eq(sessions.ipPrefix, ipPrefix(ip)))));
  if (deviceHash !== null && found.some((session) => session.deviceHash === deviceHash)) return 'device';
  return found.length > 0 ? 'network' : 'stranger';
}
