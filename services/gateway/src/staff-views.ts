import { z } from 'zod';
import { serviceUnavailable } from '@kelid/contracts/common';
import { type Operation, ProblemError } from '@kelid/contracts/contract';
import type { Host } from '@kelid/service/host';
import type { CallContext } from '@kelid/service/invoke';

const Claimed = z.object({ viewId: z.string() });
const Page = z.looseObject({ limit: z.int().default(1) });

export interface StaffViews {
  /** Before a member of staff reads customers' data: counts and writes it down, or throws the 429 problem. */
  begin(name: string, operation: Operation, input: Record<string, unknown>, context: CallContext): Promise<StaffView>;
}
export interface StaffView {
  /** Before the answer leaves: writes down whose data it holds. */
  end(output: unknown): Promise<void>;
}

/** Said once here, for every operation whose contract shows customers: what can't be written down is not shown (A98). */
export function createStaffViews(host: Host): StaffViews {
  async function tell(operation: string, input: Record<string, unknown>, context: CallContext): Promise<unknown> {
    const own = { ...host.contextOf('gateway'), origin: context.origin, requestId: context.requestId };
    try {
      return (await host.call('identity', operation, input, own)).output;
    } catch (error) {
      throw error instanceof ProblemError && error.status === 429
        ? error
        : serviceUnavailable({ retryAfterSeconds: 3 });
    }
  }
  return {
    async begin(name, operation, input, context) {
      const { actor } = context;
      if (actor.kind !== 'user') throw new Error(`${name} shows customers to nobody but people`);
      const parsed = operation.input.safeParse(input);
      if (!parsed.success) return { end: async () => undefined }; // Its service refuses it and shows nobody.
      // A page is counted whole before it is read: what is counted afterwards could be read many times at once.
      const customerCount = Page.parse(parsed.data).limit;
      const { userId: staffId, sessionId } = actor;
      const about = Object.fromEntries(
        Object.entries(parsed.data).map(([field, value]) => [
          field,
          typeof value === 'string' ? value.slice(0, 200) : value,
        ]),
      );
      const { viewId } = Claimed.parse(
        await tell('claimStaffView', { staffId, sessionId, operation: name, about, customerCount }, context),
      );
      return {
        async end(output) {
          const customerIds = [...new Set(customersIn(output))].slice(0, 1_000);
          if (customerIds.length > 0) await tell('recordViewedCustomers', { viewId, customerIds }, context);
        },
      };
    },
  };
}

/** Every `customerId` and `customerIds` of an answer, however deep. */
function customersIn(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return name === 'customerId' || name === 'customerIds' ? [value] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([field, inner]) => customersIn(inner, Array.isArray(value) ? name : field));
}
