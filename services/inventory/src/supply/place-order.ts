import { sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import type { Context } from '../context.ts';
import { lookSeconds, watchHours } from './look-for-order.ts';
import { coolDown, end, inSeconds, move, type Procurement, rest, restSeconds } from './procurement-moves.ts';
import { takePlaced } from './take-order.ts';

/** A refused order is looked for once, this long after it. */
const refusedLookSeconds = 30;

/** Sends a supplier order whose row is committed, and writes down what came of it. */
export async function placeOrder(ctx: Context, procurement: Procurement): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  if (!supplier) return;
  const answer = await supplier.order({
    reference: procurement.id,
    productRef: procurement.productRef,
    quantity: procurement.quantity,
    unitPriceMaxCents: procurement.unitMaxCents,
    allowsPreOrder: procurement.allowsPreOrder,
    ...(procurement.gameAccount ? { gameAccount: procurement.gameAccount } : {}),
    signal: ctx.signal,
  });
  failpoint('inventory.supplier-ordered'); // CP13
  switch (answer.kind) {
    case 'placed':
      await takePlaced(ctx, procurement, answer.order);
      return;
    case 'refused':
      // What was never sent costs nothing. A refusal is believed, and still looked up once: some have taken the money all the same.
      await end(
        ctx,
        procurement,
        'refused',
        answer.reason,
        answer.isUnsent ? { dueAt: null, atRiskCents: 0 } : { dueAt: inSeconds(refusedLookSeconds), lookCount: 0 },
      );
      // Neither money nor a login comes back from one order to the next.
      if (answer.reason === 'balance-low' || answer.reason === 'not-authorised')
        await rest(ctx, procurement.supplier, restSeconds);
      else await coolDown(ctx, procurement.supplier);
      return;
    case 'not-now':
      await waitAsTold(ctx, procurement, answer.retryAfterSeconds);
      return;
    case 'unknown':
      await move(ctx, procurement, 'unknown', 'not answered', { dueAt: inSeconds(lookSeconds[0] ?? 5) });
      await coolDown(ctx, procurement.supplier);
  }
}

/**
 * A supplier that says when it may be asked again is left alone until then, by everybody. It should not have taken the order: it is looked
 * for once, at that time; a line waits for this look as long as for any lost answer, and then is bought elsewhere.
 */
async function waitAsTold(ctx: Context, procurement: Procurement, seconds: number): Promise<void> {
  await rest(ctx, procurement.supplier, seconds);
  const isSoon = seconds <= (lookSeconds.at(-1) ?? 0);
  await end(ctx, procurement, isSoon ? 'unknown' : 'not_placed', 'told to wait', {
    dueAt: inSeconds(seconds),
    lookCount: lookSeconds.length,
    watchUntil: isSoon ? null : sql`now() + make_interval(secs => ${seconds}, hours => ${watchHours})`,
  });
}
