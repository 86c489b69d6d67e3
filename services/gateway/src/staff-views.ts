import { z } from 'zod';
import { serviceUnavailable } from '@kelid/contracts/common';
import { type Operation, ProblemError } from '@kelid/contracts/contract';
import { identityContract } from '@kelid/contracts/identity';
import type { Host } from '@kelid/service/host';
import type { CallContext } from '@kelid/service/invoke';
import { createClient } from '@kelid/service/peers';

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
  function identityFor({ origin, requestId }: CallContext) {
    return createClient(identityContract, host.call, { ...host.contextOf('gateway'), origin, requestId });
  }
  function refuse(error: unknown): never {
    throw error instanceof ProblemError && error.status === 429 ? error : serviceUnavailable({ retryAfterSeconds: 3 });
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
      const { viewId } = await identityFor(context)
        .claimStaffView({ staffId, sessionId, operation: name, about, customerCount })
        .catch(refuse);
      return {
        async end(output) {
          const customerIds = [...new Set(customersIn(output))].slice(0, 1_000);
          if (customerIds.length > 0)
            await identityFor(context).recordViewedCustomers({ viewId, customerIds }).catch(refuse);
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
