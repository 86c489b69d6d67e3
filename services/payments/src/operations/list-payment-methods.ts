import type { Operations } from '../context.ts';

export const listPaymentMethods: Operations['listPaymentMethods'] = async (ctx) => ({
  items: Object.values(ctx.psps)
    .filter((provider) => provider.isOffered())
    .map((provider) => ({ psp: provider.psp, title: provider.facts.title })),
  nextCursor: null,
});
