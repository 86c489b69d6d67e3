import type { BaseContext, Tx } from './context.ts';
import { inbox } from './tables.ts';

/**
 * Runs the effect of an event once: its inbox row and its effect are one transaction, so a second delivery, at the same
 * moment or a week later, finds the row and does nothing. Answers whether this call did it.
 */
export function consumeOnce(
  ctx: BaseContext,
  eventId: string,
  consumer: string,
  effect: (tx: Tx) => Promise<void>,
): Promise<boolean> {
  return ctx.transaction(async (tx) => {
    const rows = await tx
      .insert(inbox)
      .values({ eventId, consumer })
      .onConflictDoNothing()
      .returning({ eventId: inbox.eventId });
    if (rows.length === 0) return false;
    await effect(tx);
    return true;
  });
}
