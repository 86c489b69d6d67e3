import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { idempotencyKeyReused, idempotencyKeyRunning } from '@kelid/contracts/common';
import { ProblemError, type ProblemBody } from '@kelid/contracts/contract';
import type { Actor, BaseContext, Db, Tx } from './context.ts';
import { newId } from './ids.ts';
import { idempotencyKeys } from './tables.ts';

export interface KeyScope {
  actorId: string;
  operation: string;
  key: string;
}

/** The scope of this call's key: per actor and operation, so that two users may send the same key (A59). */
export function keyScope(ctx: BaseContext, operation: string): KeyScope {
  if (ctx.idempotencyKey === undefined) throw new Error(`${operation} is not idempotent by its contract`);
  return { actorId: actorId(ctx.actor), operation, key: ctx.idempotencyKey };
}

export type Claim =
  | { kind: 'new' }
  | { kind: 'running'; resourceId: string | null; ageSeconds: number }
  | { kind: 'done'; answer: unknown };

/**
 * Takes the key inside the transaction of the first state it leads to. A second request gets the stored answer, the stored
 * problem (thrown), 422 for another body, or learns that the first still runs and on what.
 */
export async function claimKey(tx: Tx, scope: KeyScope, input: unknown, resourceId: string): Promise<Claim> {
  const inputHash = createHash('sha256').update(canonicalJson(input)).digest('hex');
  const made = await tx
    .insert(idempotencyKeys)
    .values({ ...scope, inputHash, resourceId })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (made.length > 0) return { kind: 'new' };
  const found = await findKey(tx, scope);
  if (!found) throw idempotencyKeyRunning({ retryAfterSeconds: 1 }); // Its maker rolled back a moment ago.
  if (found.inputHash !== inputHash) throw idempotencyKeyReused();
  if (found.problem !== null) throw ProblemError.fromBody(found.problem, found.status ?? 500);
  if (found.status !== null) return { kind: 'done', answer: found.answer };
  return { kind: 'running', resourceId: found.resourceId, ageSeconds: found.ageSeconds };
}

/**
 * An operation that happens once for each key. `begin` writes its first state under a new id, in one transaction with the key; `finish`
 * goes on from there and answers. The same key again gets the answer that was stored. While there is none (the first call still runs, or
 * died) it finishes what the first has begun, so `finish` must be repeatable. What either throws is not stored: the same key may try again.
 */
export async function oncePerKey<Answer>(
  ctx: BaseContext,
  operation: string,
  input: unknown,
  { begin, finish, status }: Steps<Answer>,
): Promise<Answer> {
  const scope = keyScope(ctx, operation);
  const newResourceId = newId();
  const claim = await ctx.transaction(async (tx) => {
    const claimed = await claimKey(tx, scope, input, newResourceId);
    if (claimed.kind === 'new') await begin(tx, newResourceId);
    return claimed;
  });
  if (claim.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return claim.answer as Answer; // Stored by this operation under this key.
  }
  const answer = await finish(claim.kind === 'running' ? (claim.resourceId ?? newResourceId) : newResourceId);
  await answerKey(ctx.db, scope, status, answer);
  return answer;
}

interface Steps<Answer> {
  begin: (tx: Tx, resourceId: string) => Promise<unknown>;
  finish: (resourceId: string) => Promise<Answer>;
  status: 200 | 201;
}

/** Looks a key up without taking it: the answer when it is done, a problem when it ended in one, undefined when unknown or running. */
export async function findAnswer(
  db: Db | Tx,
  scope: KeyScope,
  input: unknown,
): Promise<{ answer: unknown } | undefined> {
  const found = await findKey(db, scope);
  if (!found) return undefined;
  if (found.inputHash !== createHash('sha256').update(canonicalJson(input)).digest('hex')) throw idempotencyKeyReused();
  if (found.problem !== null) throw ProblemError.fromBody(found.problem, found.status ?? 500);
  return found.status === null ? undefined : { answer: found.answer };
}

/** The answer that was stored under a key, whatever it was asked with. */
export async function findAnswerOf(db: Db | Tx, scope: KeyScope): Promise<unknown> {
  return (await findKey(db, scope))?.answer ?? undefined;
}

/** Stores the answer in the transaction of the effect. Only the first one stays. */
export async function answerKey(tx: Tx | Db, scope: KeyScope, status: number, answer: unknown): Promise<void> {
  await tx
    .update(idempotencyKeys)
    .set({ status, answer })
    .where(and(scopeIs(scope), sql`${idempotencyKeys.status} is null`));
}

/** Stores the problem that this key ended in, for the same answer next time. */
export async function failKey(tx: Tx | Db, scope: KeyScope, problem: ProblemBody): Promise<void> {
  await tx
    .update(idempotencyKeys)
    .set({ status: problem.status, problem })
    .where(and(scopeIs(scope), sql`${idempotencyKeys.status} is null`));
}

/** Gives the key back: the work left nothing behind, so the same key may start afresh. */
export async function dropKey(tx: Tx | Db, scope: KeyScope): Promise<void> {
  await tx.delete(idempotencyKeys).where(and(scopeIs(scope), sql`${idempotencyKeys.status} is null`));
}

async function findKey(db: Db | Tx, scope: KeyScope) {
  const [row] = await db
    .select({
      inputHash: idempotencyKeys.inputHash,
      resourceId: idempotencyKeys.resourceId,
      status: idempotencyKeys.status,
      answer: idempotencyKeys.answer,
      problem: idempotencyKeys.problem,
      ageSeconds: sql<number>`extract(epoch from now() - ${idempotencyKeys.createdAt})::float8`,
    })
    .from(idempotencyKeys)
    .where(scopeIs(scope));
  return row;
}

function scopeIs(scope: KeyScope) {
  return and(
    eq(idempotencyKeys.actorId, scope.actorId),
    eq(idempotencyKeys.operation, scope.operation),
    eq(idempotencyKeys.key, scope.key),
  );
}

function actorId(actor: Actor): string {
  switch (actor.kind) {
    case 'user':
      return actor.userId;
    case 'service':
      return `service:${actor.name}`;
    case 'guest':
      return `guest:${actor.cartToken ?? ''}`;
  }
}

/** JSON with sorted keys: the same input in another order is the same input. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
