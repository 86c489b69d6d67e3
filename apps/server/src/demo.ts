import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Host } from '@kelid/service/host';

const letters = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
const Loaded = z.object({
  productCount: z.int(),
  variants: z.array(z.object({ variantId: z.string(), sku: z.string(), demoStockCount: z.int() })),
});
const Stock = z.object({
  items: z.array(
    z.object({ variantId: z.string(), availableCount: z.int(), reservedCount: z.int(), soldCount: z.int() }),
  ),
});

/** Fills the shop with its demo catalogue and product keys. Repeating it adds only what was never there. */
export async function loadDemo(host: Host): Promise<{ productCount: number; keyCount: number }> {
  const call = async (service: string, operation: string, input: unknown) =>
    (await host.call(service, operation, input, host.contextOf('demo'))).output;
  const { productCount, variants } = Loaded.parse(await call('catalog', 'loadDemo', {}));
  let keyCount = 0;
  for (let at = 0; at < variants.length; at += 100) {
    const chunk = variants.slice(at, at + 100);
    const { items } = Stock.parse(
      await call('inventory', 'getStock', { variantIds: chunk.map((variant) => variant.variantId) }),
    );
    for (const variant of chunk) {
      const stock = items.find((item) => item.variantId === variant.variantId);
      const isNew = stock !== undefined && stock.availableCount + stock.reservedCount + stock.soldCount === 0;
      if (!isNew || variant.demoStockCount === 0) continue;
      const codes = Array.from({ length: variant.demoStockCount }, newCode);
      await call('inventory', 'importKeys', { sku: variant.sku, label: 'demo', codes });
      keyCount += codes.length;
    }
  }
  return { productCount, keyCount };
}

function newCode(): string {
  const part = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  return `DEMO${part().slice(0, 1)}-${part()}-${part()}-${part()}`;
}
