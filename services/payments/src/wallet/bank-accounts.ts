import type { Context } from '../context.ts';
import type { bankAccounts } from '../db/schema.ts';

export type BankAccountRow = typeof bankAccounts.$inferSelect;

/** Who looks. */
export type Viewer = Pick<Context, 'actor'>;

/** Whole for its owner, and for an admin while there is a transfer to make or an account to check; for others its ends (A37). */
export function shownSheba({ actor }: Viewer, sheba: string, ownerId: string | undefined, isDue: boolean): string {
  const isOwner = actor.kind === 'user' && actor.userId === ownerId;
  const isAdmin = actor.kind === 'user' && actor.roles.includes('admin');
  if (isOwner || (isAdmin && isDue)) return sheba;
  return `${sheba.slice(0, 7)}${'*'.repeat(sheba.length - 11)}${sheba.slice(-4)}`;
}

export function showBankAccount(account: BankAccountRow, ctx: Viewer) {
  const { id, customerId, holderName, status, reason } = account;
  const sheba = shownSheba(ctx, account.sheba, customerId, status === 'pending');
  return { id, customerId, sheba, holderName, status, reason };
}
