import { z } from 'zod';
import { AmountRial, Id, NoOutput } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { limitReached } from './limits.ts';

export const IntentStatus = z.enum(['open', 'captured', 'expired', 'cancelled']);
export const intentNotFound = problem('payments.intent-not-found', {
  status: 404,
  title: 'Nothing is owed for this order',
});
export const intentClosed = problem('payments.intent-closed', {
  status: 409,
  title: 'This order no longer awaits a payment',
});
export const intentMismatch = problem('payments.intent-mismatch', {
  status: 409,
  title: 'This order already has an intent with another amount',
});

export const intentOperations = {
  createIntent: operation({
    method: 'POST',
    path: '/internal/payments/intents',
    summary: 'What an order owes; the same order again answers the same intent',
    access: ['internal'],
    input: z.object({
      orderId: Id,
      orderNumber: z.string().max(20),
      customerId: Id,
      amountRial: AmountRial.min(10_000),
      phone: z.string().optional(),
      /** At most this much is held in the customer's wallet and pays its part. */
      walletMaxRial: AmountRial.default(0),
    }),
    output: z.object({ intentId: Id, status: IntentStatus, walletRial: AmountRial }),
    problems: [intentMismatch, limitReached],
  }),
  closeIntent: operation({
    method: 'POST',
    path: '/internal/payments/intents/close',
    summary:
      'The order is dead: no new attempts, late money is surplus. A captured intent stays captured. Safe to repeat',
    access: ['internal'],
    input: z.object({ orderId: Id, status: z.enum(['expired', 'cancelled']) }),
    output: NoOutput,
  }),
};
