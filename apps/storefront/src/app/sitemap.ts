import type { MetadataRoute } from 'next';
import { unlessRefused } from '../components/away.tsx';
import { catalog, shopUrl } from '../lib/gateway.ts';
import { tellRefusal } from '../lib/visit.ts';

export const dynamic = 'force-dynamic';

export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const pages = ['', '/products'];
  let cursor: string | undefined;
  do {
    const page = await unlessRefused(
      catalog.listProducts({ limit: 100, sort: 'title', ...(cursor === undefined ? {} : { cursor }) }),
    );
    if (!page) {
      tellRefusal({ status: 503, retryAfterSeconds: 60 });
      return [];
    }
    pages.push(...page.items.map((product) => `/p/${product.slug}`));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && pages.length < 5_000);
  return pages.flatMap((path) => [{ url: `${shopUrl}${path || '/'}` }, { url: `${shopUrl}/en${path}` }]);
}
