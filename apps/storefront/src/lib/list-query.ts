import { ProductSort, ProductType } from '@kelid/contracts/catalog';
import { toLatinDigits } from '@kelid/persian/digits';

type Search = Record<string, string | string[] | undefined>;

export interface ListQuery {
  q?: string;
  platform?: string;
  region?: string;
  type?: (typeof ProductType.options)[number];
  sort?: (typeof ProductSort.options)[number];
  inStock?: boolean;
  minPriceRial?: number;
  maxPriceRial?: number;
  cursor?: string;
}

/** What an address asks for. What is not understood is left out: a link from elsewhere should show products, not an error. */
export function readListQuery(search: Search): ListQuery {
  const text = (name: string): string | undefined => {
    const value = search[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 200) : undefined;
  };
  const type = ProductType.safeParse(search['type']);
  const sort = ProductSort.safeParse(search['sort']);
  const rialOf = (name: string): number | undefined => {
    const toman = Number(toLatinDigits(text(name) ?? '').replaceAll(/[,٬،\s]/g, ''));
    return Number.isSafeInteger(toman * 10) && toman > 0 && Number.isInteger(toman) ? toman * 10 : undefined;
  };
  const [minPriceRial, maxPriceRial] = [rialOf('minToman'), rialOf('maxToman')];
  const [q, platform, region, cursor] = [text('q'), text('platform'), text('region'), text('cursor')];
  return {
    ...(q === undefined ? {} : { q }),
    ...(platform === undefined ? {} : { platform: platform.slice(0, 40) }),
    ...(region === undefined ? {} : { region: region.slice(0, 20) }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(type.success ? { type: type.data } : {}),
    ...(sort.success ? { sort: sort.data } : {}),
    ...(search['inStock'] === 'true' ? { inStock: true } : {}),
    ...(minPriceRial === undefined ? {} : { minPriceRial }),
    ...(maxPriceRial === undefined ? {} : { maxPriceRial }),
  };
}

/** The address of the next page: the same wishes with another cursor. */
export function nextPage(search: Search, cursor: string): string {
  const params = wishes(search);
  params.set('cursor', cursor);
  return `?${params}`;
}

/** The address of the first page without one wish. */
export function without(search: Search, name: string): string {
  const params = wishes(search);
  params.delete(name);
  return `?${params}`;
}

/** A cursor belongs to one list: whatever else changes, it goes. */
function wishes(search: Search): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (typeof value === 'string' && value !== '' && name !== 'cursor') params.set(name, value);
  return params;
}
