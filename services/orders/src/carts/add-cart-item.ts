import { eq, sql } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import type { GameAccount, ShownGameAccount } from '@kelid/contracts/game-account';
import { gameAccountFaults } from '@kelid/contracts/game-account-rules';
import { cartLimit, variantNotFound } from '@kelid/contracts/orders';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { beginCart, lineCountMax, openCart, quantityMax } from './open-cart.ts';
import { showCart } from './show-cart.ts';
import { cartItems, carts } from '../db/schema.ts';

export const addCartItem: Operations['addCartItem'] = async (ctx, { variantId, quantity, gameAccount, language }) => {
  if (quantity > quantityMax) throw cartLimit({ quantityMax });
  const account = gameAccount === undefined ? null : await checkAccount(ctx, variantId, gameAccount);
  const opened = await openCart(ctx);
  const { cart, cartToken } = opened;
  await beginCart(ctx, opened);
  // Adding is one statement, so that two tabs add up; over the limit it changes nothing.
  const added = await ctx.db
    .insert(cartItems)
    .values({ id: newId(), cartId: cart.id, variantId, quantity, gameAccount: account })
    .onConflictDoUpdate({
      target: [cartItems.cartId, cartItems.variantId, cartItems.accountKey],
      set: { quantity: sql`${cartItems.quantity} + excluded.quantity`, gameAccount: sql`excluded.game_account` },
      setWhere: sql`${cartItems.quantity} + excluded.quantity <= ${quantityMax}`,
    })
    .returning({ id: cartItems.id });
  if (added.length === 0) throw cartLimit({ quantityMax });
  const shown = await showCart(ctx, cart, cartToken, language);
  const itemId = added[0]?.id ?? '';
  const fault = shown.problems.find((problem) => problem.itemId === itemId)?.code;
  if (fault === 'not_sold' || fault === 'account_needed' || shown.items.length > lineCountMax) {
    // A cart that began with what may not be in it never was.
    if (opened.isBegun) await ctx.db.delete(cartItems).where(eq(cartItems.id, itemId));
    else await ctx.db.delete(carts).where(eq(carts.id, cart.id));
    if (fault === 'not_sold') throw variantNotFound();
    throw fault === 'account_needed' ? accountNeeded() : cartLimit({ quantityMax });
  }
  return shown;
};

/** The account as the game knows it, with its nickname as evidence; the rules of its form hold even while nobody can be asked. */
async function checkAccount(ctx: Context, variantId: string, account: GameAccount): Promise<ShownGameAccount> {
  const { items } = await ctx.peers.catalog.getVariants({ variantIds: [variantId] });
  const [variant] = items;
  if (!variant) throw variantNotFound();
  if (variant.accountRule === null) throw accountNeeded();
  const faults = gameAccountFaults(variant.accountRule, account);
  if (faults.length > 0)
    throw invalidInput({
      errors: faults.map(({ field, hint }) => ({ field: `gameAccount.${field}`, message: hint.en })),
    });
  const { nickname } = await ctx.peers.inventory.checkGameAccount({ variantId, gameAccount: account });
  return { playerId: account.playerId, zone: account.zone ?? null, nickname };
}

function accountNeeded() {
  const message = 'A top-up needs the account it goes to, and nothing else takes one';
  return invalidInput({ errors: [{ field: 'gameAccount', message }] });
}
