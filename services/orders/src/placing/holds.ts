import { type SQL, sql } from 'drizzle-orm';
import { rateLimited } from '@kelid/contracts/common';
import { cartLimit, tooManyPendingOrders, unpaidWait } from '@kelid/contracts/orders';
import type { Tx } from '@kelid/service/context';
import type { OrdersConfig } from '../config.ts';

/** An order that holds stock and is not paid. */
const unpaid = sql`status in ('placing', 'pending_payment')`;
/** An order that held stock until it died unpaid; one that a failed step took back never got as far as its third version. */
const letGo = sql`status in ('cancelled', 'expired') and version > 2`;

/**
 * Holds are a scarce good (A66): how many, of how many units, how often and how soon after the ones that were left unpaid. The caller
 * holds the row of the customer's cart, so that two checkouts of one customer count each other.
 */
export async function checkHolds(
  tx: Tx,
  config: OrdersConfig,
  customerId: string,
  lines: { variantId: string; quantity: number }[],
): Promise<void> {
  const { pendingCount, minuteSeconds, waitSeconds, heldOf } = await readHolds(tx, config, customerId);
  if (minuteSeconds > 0) throw rateLimited({ retryAfterSeconds: Math.ceil(minuteSeconds) });
  const pendingMax = config.ORDERS_PENDING_MAX;
  if (pendingCount >= pendingMax) throw tooManyPendingOrders({ pendingMax });
  if (waitSeconds > 0) throw unpaidWait({ retryAfterSeconds: Math.ceil(waitSeconds) });

  const quantityMax = config.ORDERS_HELD_UNITS_MAX;
  const askedOf = new Map<string, number>();
  for (const { variantId, quantity } of lines) askedOf.set(variantId, (askedOf.get(variantId) ?? 0) + quantity);
  for (const [variantId, quantity] of askedOf) {
    if (quantity > quantityMax) throw cartLimit({ quantityMax });
    if (quantity + (heldOf[variantId] ?? 0) > quantityMax) throw tooManyPendingOrders({ pendingMax });
  }
}

interface Holds {
  pendingCount: number;
  minuteSeconds: number;
  waitSeconds: number;
  /** Unpaid units by variant. */
  heldOf: Record<string, number>;
  [column: string]: unknown;
}

async function readHolds(tx: Tx, config: OrdersConfig, customerId: string) {
  const minute = sql`placed_at > now() - interval '1 minute'`;
  const { rows } = await tx.execute<Holds>(sql`
    with today as (select * from orders where customer_id = ${customerId} and placed_at > now() - interval '1 day'),
    counted as (
      select count(*) filter (where ${minute}) as minute_count, 60 - extract(epoch from now() - min(placed_at) filter (where ${minute})) as minute_left,
        count(*) filter (where ${letGo}) - count(*) filter (where paid_at is not null) - ${config.ORDERS_UNPAID_FREE_MAX}::int as let_go_count,
        (select max(h.at) from order_history h where h.to_status in ('cancelled', 'expired') and h.order_id in (select id from today where ${letGo})) as let_go_at
      from today
    )
    select (select count(*)::int from orders where customer_id = ${customerId} and ${unpaid}) as "pendingCount",
      coalesce((select jsonb_object_agg(variant_id, units) from (
        select l.variant_id, sum(l.quantity) as units from order_lines l join orders o on o.id = l.order_id
        where o.customer_id = ${customerId} and o.${unpaid} group by 1) held), '{}') as "heldOf",
      case when minute_count >= ${config.ORDERS_PER_MINUTE_MAX} then greatest(minute_left, 1) else 0 end::float8 as "minuteSeconds",
      case when let_go_count > 0 then ${doubled(config)} - extract(epoch from now() - let_go_at) else 0 end::float8 as "waitSeconds"
    from counted`);
  const [holds] = rows;
  if (!holds) throw new Error('The holds were not answered');
  return holds;
}

/** Twice as long after each further one, up to the longest. */
function doubled(config: OrdersConfig): SQL {
  const longest = config.ORDERS_UNPAID_WAIT_MAX_SECONDS;
  return sql`least(${config.ORDERS_UNPAID_WAIT_SECONDS}::float8 * 2 ^ least(let_go_count - 1, 30), ${longest}::float8)`;
}
