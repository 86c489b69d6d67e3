import { createHash } from 'node:crypto';

/** What both suppliers sell at first. Prices are EUR cents; the two differ in price and stock, as they do. */
export interface CatalogueEntry {
  name: string;
  platform: string;
  region: string;
  codesWholesale: { priceCents: number; stockCount: number };
  kinguin: { priceCents: number; stockCount: number };
  isPreOrder: boolean;
}

/** The product's UUID at CodesWholesale. It depends on nothing but the name, so that other data can refer to it. */
export function codesWholesaleProductId(name: string): string {
  const hex = createHash('sha256').update(`cw-${name}`).digest('hex');
  // Version 8 and variant bits: the form of a UUID made from what its maker chose.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The product's 24-hex `productId` at Kinguin, made from the name in the same way. */
export function kinguinProductId(name: string): string {
  return createHash('sha256').update(`kinguin-${name}`).digest('hex').slice(0, 24);
}

type Row = [
  name: string,
  platform: string,
  region: string,
  cwCents: number,
  cwStock: number,
  kCents: number,
  k: number,
];

const rows: Row[] = [
  ['Steam Gift Card 5 USD US', 'Steam', 'US', 451, 180, 462, 320],
  ['Steam Gift Card 10 USD US', 'Steam', 'US', 889, 240, 905, 410],
  ['Steam Gift Card 20 USD US', 'Steam', 'US', 1765, 160, 1742, 275],
  ['Steam Gift Card 50 USD US', 'Steam', 'US', 4390, 85, 4418, 120],
  ['Steam Gift Card 100 USD US', 'Steam', 'US', 8790, 40, 8745, 62],
  ['Steam Gift Card 20 EUR EU', 'Steam', 'EU', 2014, 130, 2035, 210],
  ['Steam Gift Card 50 EUR EU', 'Steam', 'EU', 4995, 70, 5012, 94],
  ['PlayStation Gift Card 10 USD US', 'PlayStation', 'US', 902, 150, 918, 205],
  ['PlayStation Gift Card 25 USD US', 'PlayStation', 'US', 2210, 110, 2195, 180],
  ['PlayStation Gift Card 50 USD US', 'PlayStation', 'US', 4405, 64, 4431, 133],
  ['PlayStation Gift Card 250 TRY TR', 'PlayStation', 'TR', 640, 90, 655, 76],
  ['PlayStation Gift Card 500 TRY TR', 'PlayStation', 'TR', 1264, 55, 1289, 48],
  ['Xbox Gift Card 10 USD US', 'Xbox', 'US', 884, 140, 899, 260],
  ['Xbox Gift Card 25 USD US', 'Xbox', 'US', 2190, 95, 2204, 150],
  ['Xbox Gift Card 50 USD US', 'Xbox', 'US', 4372, 60, 4360, 88],
  ['Nintendo eShop Card 10 USD US', 'Nintendo', 'US', 912, 85, 928, 140],
  ['Nintendo eShop Card 20 USD US', 'Nintendo', 'US', 1806, 72, 1822, 110],
  ['Nintendo eShop Card 50 USD US', 'Nintendo', 'US', 4478, 38, 4495, 66],
  ['Apple Gift Card 10 USD US', 'Apple', 'US', 921, 170, 934, 190],
  ['Apple Gift Card 25 USD US', 'Apple', 'US', 2278, 120, 2291, 145],
  ['Google Play Gift Card 10 USD US', 'Google Play', 'US', 915, 160, 908, 230],
  ['Google Play Gift Card 25 USD US', 'Google Play', 'US', 2264, 105, 2249, 170],
  ['Razer Gold PIN 10 USD', 'Razer', 'WORLDWIDE', 878, 210, 886, 300],
  ['Razer Gold PIN 50 USD', 'Razer', 'WORLDWIDE', 4340, 75, 4362, 105],
  ['Roblox Gift Card 10 USD', 'Roblox', 'WORLDWIDE', 896, 190, 909, 245],
  ['Roblox Gift Card 25 USD', 'Roblox', 'WORLDWIDE', 2232, 88, 2251, 130],
  ['Riot Games Gift Card 10 USD US', 'Riot', 'US', 904, 92, 917, 118],
  ['Battle.net Gift Card 20 USD US', 'Battle.net', 'US', 1798, 66, 1811, 97],
  ['Counter-Strike 2 Prime Status', 'Steam', 'WORLDWIDE', 1322, 58, 1309, 143],
  ['Elden Ring', 'Steam', 'WORLDWIDE', 3649, 42, 3598, 87],
  ['Elden Ring EU', 'Steam', 'EU', 3401, 36, 3377, 71],
  ['Red Dead Redemption 2', 'Steam', 'WORLDWIDE', 1748, 51, 1716, 164],
  ['GTA V Premium Edition', 'Rockstar', 'WORLDWIDE', 1219, 63, 1184, 212],
  ['Cyberpunk 2077', 'Steam', 'WORLDWIDE', 2607, 33, 2581, 79],
  ['God of War', 'Steam', 'WORLDWIDE', 2098, 29, 2064, 58],
  ['The Witcher 3 Complete Edition', 'GOG', 'WORLDWIDE', 868, 77, 845, 190],
  ['Minecraft Java & Bedrock', 'Microsoft', 'WORLDWIDE', 1912, 94, 1888, 240],
  ['Civilization VI', 'Steam', 'WORLDWIDE', 519, 120, 498, 305],
  ['Age of Empires IV', 'Steam', 'WORLDWIDE', 1655, 27, 1662, 44],
  ['Stardew Valley', 'Steam', 'WORLDWIDE', 781, 68, 774, 133],
  ['EA Sports FC 26', 'Steam', 'WORLDWIDE', 4262, 48, 4219, 115],
  ['Forza Horizon 5', 'Xbox', 'WORLDWIDE', 2524, 31, 2490, 69],
  ['Xbox Game Pass Ultimate 1 month', 'Xbox', 'WORLDWIDE', 1098, 145, 1075, 280],
  ['PS Plus Essential 1 month US', 'PlayStation', 'US', 871, 80, 884, 96],
  ['Legend of the Lost Key', 'Steam', 'WORLDWIDE', 2890, 0, 2850, 500],
  ['Discord Nitro 1 month', 'Discord', 'WORLDWIDE', 846, 112, 829, 187],
];

/** Not released yet. */
const preOrders = new Set(['Legend of the Lost Key']);

export const catalogue: CatalogueEntry[] = rows.map(([name, platform, region, cwCents, cwStock, kCents, kStock]) => ({
  name,
  platform,
  region,
  codesWholesale: { priceCents: cwCents, stockCount: cwStock },
  kinguin: { priceCents: kCents, stockCount: kStock },
  isPreOrder: preOrders.has(name),
}));
