import type { Operations } from '../context.ts';
import { offeredPsps } from './routing.ts';

export const listPaymentMethods: Operations['listPaymentMethods'] = async (ctx) => ({
  items: (await offeredPsps(ctx)).map((provider) => ({ psp: provider.psp, title: provider.facts.title })),
  nextCursor: null,
});
