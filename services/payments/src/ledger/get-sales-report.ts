import { sumRial } from '@kelid/money/rial';
import type { Operations } from '../context.ts';
import { readSales, spanOf } from './sales.ts';

export const getSalesReport: Operations['getSalesReport'] = async (ctx, days) => {
  const rows = await readSales(ctx, await spanOf(ctx, days));
  const total = (amount: (row: (typeof rows)[number]) => number) => sumRial(rows.map(amount));
  return {
    rows,
    total: {
      orderCount: total((row) => row.orderCount),
      salesRial: total((row) => row.salesRial),
      vatRial: total((row) => row.vatRial),
      walletRial: total((row) => row.walletRial),
      refundsRial: total((row) => row.refundsRial),
      feesRial: total((row) => row.feesRial),
      marginRial: total((row) => row.marginRial),
    },
  };
};
