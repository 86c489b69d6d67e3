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
  const maxToman = Number(toLatinDigits(text('maxToman') ?? '').replaceAll(/[,٬،\s]/g, ''));
  const [q, platform, region, cursor] = [text('q'), text('platform'), text('region'), text('cursor')];
  return {
    ...(q === undefined ? {} : { q }),
    ...(platform === undefined ? {} : { platform: platform.slice(0, 40) }),
    ...(region === undefined ? {} : { region: region.slice(0, 20) }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(type.success ? { type: type.data } : {}),
    ...(sort.success ? { sort: sort.data } : {}),
    ...(search['inStock'] === 'true' ? { inStock: true } : {}),
    ...(Number.isSafeInteger(maxToman) && maxToman > 0 ? { maxPriceRial: maxToman * 10 } : {}),
  };
}

/** The address of the next page: the same wishes with another cursor. */
export function nextPage(search: Search, cursor: string): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) if (typeof value === 'string' && name !== 'cursor') params.set(name, value);
  params.set('cursor', cursor);
  return `?${params}`;
}
