import { ProblemError } from '@kelid/contracts/contract';
import { catalog } from '../lib/gateway.ts';
import { fill, type Language, messagesOf, pathIn } from '../lib/language.ts';
import { nextPage, readListQuery } from '../lib/list-query.ts';
import { ProductGrid } from './product-card.tsx';

type Search = Record<string, string | string[] | undefined>;

export async function Listing({ language, search, category, title }: { language: Language; search: Search; category?: string; title: string }) {
  const m = messagesOf(language);
  const wanted = readListQuery(search);
  const inCategory = category === undefined ? {} : { category };
  const [page, facets, suggestion] = await Promise.all([
    // A cursor of another list, from an old link, shows the first page.
    catalog.listProducts({ ...wanted, ...inCategory, language, limit: 24 }).catch((error: unknown) => {
      if (!(error instanceof ProblemError) || error.status !== 422) throw error;
      return catalog.listProducts({ ...inCategory, language, limit: 24 });
    }),
    catalog.listFacets(inCategory),
    wanted.q === undefined ? undefined : catalog.suggest({ q: wanted.q.slice(0, 100), language }).catch(() => undefined),
  ]);
  const select = (name: string, label: string, options: [string, string][]) => (
    <label className="field">
      {label}
      <select name={name} defaultValue={typeof search[name] === 'string' ? search[name] : ''}>
        <option value="">{m.list.any}</option>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
  const sorts = Object.entries(m.list.sorts).filter(([value]) => value !== 'relevance' || wanted.q !== undefined);
  return (
    <>
      <h1>{wanted.q === undefined ? title : fill(m.list.results, { q: wanted.q })}</h1>
      {suggestion?.didYouMean && <p className="soft"><a href={pathIn(language, `/products?q=${encodeURIComponent(suggestion.didYouMean)}`)}>{fill(m.list.didYouMean, { q: suggestion.didYouMean })}</a></p>}
      <div className="listing">
        <details className="filters card" open>
          <summary>{m.list.filters}</summary>
          <form className="stack" method="get">
            {wanted.q !== undefined && <input type="hidden" name="q" value={wanted.q} />}
            {select('platform', m.list.platform, facets.platforms.map(({ value }) => [value, m.platforms[value] ?? value]))}
            {select('region', m.list.region, facets.regions.map(({ value }) => [value, m.regions[value] ?? value]))}
            {select('type', m.list.type, facets.types.map(({ value }) => [value, m.list.types[value]]))}
            {select('sort', m.list.sort, sorts)}
            <label className="field">
              {m.list.priceMax}
              <input name="maxToman" inputMode="numeric" defaultValue={typeof search['maxToman'] === 'string' ? search['maxToman'] : ''} />
            </label>
            <label className="row" style={{ minHeight: '2.75rem' }}>
              <input type="checkbox" name="inStock" value="true" defaultChecked={wanted.inStock ?? false} style={{ width: '1.3rem', height: '1.3rem' }} />
              {m.list.stockOnly}
            </label>
            <button className="button main" type="submit">{m.list.apply}</button>
            <a className="button plain" href="?">{m.list.clear}</a>
          </form>
        </details>
        <div className="stack">
          {page.items.length === 0 ? (
            <div className="card result">
              <h2>{m.list.empty}</h2>
              <p className="soft">{m.list.emptyHint}</p>
            </div>
          ) : (
            <ProductGrid products={page.items} language={language} />
          )}
          {page.nextCursor !== null && <a className="button" rel="next" href={nextPage(search, page.nextCursor)}>{m.list.next}</a>}
        </div>
      </div>
    </>
  );
}
