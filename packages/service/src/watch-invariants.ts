import { sql } from 'drizzle-orm';
import type { BaseContext, Tx } from './context.ts';
import { sqlState } from './database.ts';
import type { Sweep } from './define-service.ts';
import { sqlStates } from './sqlstates.ts';
import { type Invariant, invariantsBeside } from './invariants.ts';

/** A statement is run every 30 seconds, or as much more seldom as keeps it below a hundredth of one connection's time. */
const everySeconds = 30;
const costFactor = 100;
/** What takes longer than this is too much for a running shop: said, and tried again later. */
const statementSeconds = 30;
const rowsMax = 100;

/** What must never be and was, and what is stopped for it: a variant until staff settle the breach, or what `Stops` says. */
interface Found {
  subject: string;
  stopped: string | null;
}
/** What breaches of a service stop, where that is no variant. */
export interface Stops<Ctx> {
  /** The column of the statements, and of `invariant_breaches`, that names it. */
  column: 'psp';
  isOne(named: string): boolean;
  /** In the transaction that keeps the breach. */
  stop(ctx: Ctx, tx: Tx, named: string, why: string): Promise<void>;
}

/**
 * The sweep that watches every invariant of a service's invariants.sql: those that name `:since` look at what has moved since their last look and ten minutes
 * more (a transaction commits later than its own time says), the others at all there is. A breach is kept once and is an alarm.
 */
export function watchInvariants<Ctx extends BaseContext>(migrationsFolder: string, stops?: Stops<Ctx>): Sweep<Ctx> {
  const reading = invariantsBeside(migrationsFolder);
  reading.catch(() => undefined); // Told by the sweep that awaits it.
  return {
    name: 'watch-invariants',
    everyMs: 10_000,
    async run(ctx) {
      for (const invariant of await reading) await watch(ctx, invariant, stops);
      return 0;
    },
  };
}

async function watch<Ctx extends BaseContext>(ctx: Ctx, invariant: Invariant, stops?: Stops<Ctx>): Promise<void> {
  const { id, sentence } = invariant;
  const name = `${id}: ${sentence}`;
  await ctx.db.execute(sql`insert into monitor_marks (name) values (${name}) on conflict do nothing`);
  // One process looks at a time, and the next one when it died.
  const { rows: claimed } = await ctx.db.execute<{ since: string; at: string }>(sql`
    update monitor_marks set due_at = now() + make_interval(secs => ${statementSeconds * 2}) where name = ${name} and due_at <= now()
    returning (looked_until - interval '10 minutes')::text as since, now()::text as at`);
  const [mark] = claimed;
  if (!mark) return;
  const startedAt = performance.now();
  try {
    const found = await look(ctx, invariant, mark.since, stops);
    await keep(ctx, invariant, found, stops);
    const seconds = Math.max(everySeconds, ((performance.now() - startedAt) / 1_000) * costFactor);
    await ctx.db.execute(sql`
      update monitor_marks set looked_until = ${mark.at}::timestamptz, due_at = now() + make_interval(secs => ${seconds}) where name = ${name}`);
  } catch (error) {
    if (sqlState(error) !== sqlStates.queryCanceled) throw error;
    await ctx.db.execute(sql`update monitor_marks set due_at = now() + interval '1 hour' where name = ${name}`);
    ctx.log.error({ alarm: 'invariant-unwatched', invariant: id }, 'an invariant takes too long to be looked at');
  }
}

function look<Ctx extends BaseContext>(
  ctx: Ctx,
  { statement }: Invariant,
  since: string,
  stops?: Stops<Ctx>,
): Promise<Found[]> {
  return ctx.transaction(async (tx) => {
    await tx.execute(sql`set transaction read only`);
    await tx.execute(sql.raw(`set local statement_timeout = '${statementSeconds}s'`));
    // A parameter, so that the text is one and the same at each look: every connection keeps its plan.
    const parts = statement.split(':since').map((part) => sql.raw(part));
    const { rows } = await tx.execute<Record<string, unknown>>(sql.join(parts, sql`${since}::timestamptz`));
    return rows.slice(0, rowsMax).map((row) => {
      const named = row[stops?.column ?? 'variant_id'];
      const isStopped = typeof named === 'string' && (stops?.isOne(named) ?? true);
      return { subject: String(Object.values(row)[0]), stopped: isStopped ? named : null };
    });
  });
}

async function keep<Ctx extends BaseContext>(
  ctx: Ctx,
  { id, sentence }: Invariant,
  found: Found[],
  stops?: Stops<Ctx>,
): Promise<void> {
  if (found.length === 0) return;
  const column = stops?.column ?? 'variant_id';
  const kept = await ctx.transaction(async (tx) => {
    const { rows } = await tx.execute<{ subject: string; stopped: string | null }>(sql`
      insert into invariant_breaches (id, invariant, subject, sentence, ${sql.identifier(column)})
      select uuidv7(), ${id}, f->>'subject', ${sentence}, ${sql.raw(stops ? "f->>'stopped'" : "(f->>'stopped')::uuid")} from jsonb_array_elements(${JSON.stringify(found)}::jsonb) f
      on conflict do nothing returning subject, ${sql.identifier(column)} as stopped`);
    for (const { stopped } of rows) if (stopped !== null) await stops?.stop(ctx, tx, stopped, `${id}, ${sentence}`);
    return rows;
  });
  for (const { subject, stopped } of kept)
    ctx.log.error(
      {
        alarm: 'invariant-broken',
        invariant: id,
        sentence,
        subject,
        ...(stopped === null ? {} : stops ? { psp: stopped } : { variantId: stopped }),
      },
      stopped === null
        ? 'something is as it must never be'
        : 'something is as it must never be; what it names is stopped until staff settle it',
    );
}
