import { randomInt } from 'node:crypto';
import { supplierUnknown } from '@kelid/contracts/inventory';
import type { Host } from '@kelid/service/host';
import { createPeers } from '@kelid/service/peers';

const letters = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

/** What the demo shop keeps no stock of, by the name that suppliers sell it under. */
const suppliedNames = new Map([
  ['ELDEN-RING-GLOBAL', 'Elden Ring'],
  ['RED-DEAD-REDEMPTION-2-GLOBAL', 'Red Dead Redemption 2'],
  ['CYBERPUNK-2077-GLOBAL', 'Cyberpunk 2077'],
  ['GOD-OF-WAR-GLOBAL', 'God of War'],
  ['STARDEW-VALLEY-GLOBAL', 'Stardew Valley'],
  ['LEGEND-OF-THE-LOST-KEY-GLOBAL', 'Legend of the Lost Key'],
  ...topUpNames('PUBG-MOBILE-UC', 'PUBG Mobile (Global)', 'UC', [60, 325, 660, 1800, 3850]),
  ...topUpNames('FREE-FIRE-DIAMONDS', 'Garena Free Fire (Global)', 'Diamonds', [100, 310, 520, 1060, 2180]),
  ...topUpNames('MOBILE-LEGENDS-DIAMONDS', 'Mobile Legends (Global)', 'Diamonds', [86, 172, 257, 706]),
  ...topUpNames('GENSHIN-GENESIS-CRYSTALS', 'Genshin Impact (Global)', 'Genesis Crystals', [60, 330, 1090, 2240, 3880]),
]);
const preOrdered = 'Legend of the Lost Key';

const callMs = 60_000;
const servicesOf = (host: Host) => createPeers(host.call, host.contextOf('demo'), callMs);

/** Fills the shop with its demo catalogue and product keys. Repeating it adds only what was never there. */
export async function loadDemo(host: Host): Promise<{ productCount: number; keyCount: number }> {
  const { productCount, variants } = await servicesOf(host).catalog.loadDemo({});
  const suppliedSkus = await offerSupplied(host);
  let keyCount = 0;
  for (let at = 0; at < variants.length; at += 100) {
    const chunk = variants.slice(at, at + 100);
    const { items } = await servicesOf(host).inventory.getStock({
      variantIds: chunk.map((variant) => variant.variantId),
    });
    for (const variant of chunk) {
      const stock = items.find((item) => item.variantId === variant.variantId);
      const isNew = stock !== undefined && stock.availableCount + stock.reservedCount + stock.soldCount === 0;
      if (!isNew || variant.demoStockCount === 0 || suppliedSkus.has(variant.sku)) continue;
      const codes = Array.from({ length: variant.demoStockCount }, newCode);
      await servicesOf(host).inventory.importKeys({ sku: variant.sku, label: 'demo', codes, takesAnyFormat: true });
      keyCount += codes.length;
    }
  }
  return { productCount, keyCount };
}

function topUpNames(sku: string, game: string, unit: string, amounts: number[]): [sku: string, name: string][] {
  return amounts.map((amount) => [`${sku}-GLOBAL-${amount}`, `${game} - ${amount} ${unit}`]);
}

/** Offers of each supplier that this shop has an account with; a price may rise by a sixth before it is too dear. */
async function offerSupplied(host: Host): Promise<Set<string>> {
  const skus = new Set<string>();
  for (const supplier of ['codeswholesale', 'kinguin', 'moogold'] as const) {
    const found = new Map<string, { productRef: string; unitPriceCents: number }>();
    for (let cursor: string | null = ''; cursor !== null;) {
      const asked = servicesOf(host).inventory.listSupplierProducts({ supplier, ...(cursor ? { cursor } : {}) });
      const page = await asked.catch((error: unknown) => {
        if (supplierUnknown.is(error)) return undefined;
        throw error;
      });
      if (page === undefined) break;
      for (const item of page.items) found.set(item.name, item);
      cursor = page.nextCursor;
    }
    for (const [sku, name] of suppliedNames) {
      const product = found.get(name);
      if (!product) continue;
      const { productRef, unitPriceCents } = product;
      const unitMaxCents = Math.ceil((unitPriceCents * 7) / 6);
      const allowsPreOrder = name === preOrdered;
      await servicesOf(host).inventory.setSupplierOffer({ supplier, sku, productRef, unitMaxCents, allowsPreOrder });
      skus.add(sku);
    }
  }
  return skus;
}

function newCode(): string {
  const part = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  return `DEMO${part().slice(0, 1)}-${part()}-${part()}-${part()}`;
}
