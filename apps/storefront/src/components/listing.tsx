import { ProblemError } from '@kelid/contracts/contract';
import { formatToman } from '@kelid/persian/toman';
import { catalog } from '../lib/gateway.ts';
import { digits, fill, type Language, messagesOf, pathIn } from '../lib/language.ts';
import { type ListQuery, nextPage, readListQuery, without } from '../lib/list-query.ts';
import { orAway } from './away.tsx';
import { Icon } from './icons.tsx';
import { ProductGrid } from './product-card.tsx';

type Search = Record<string, string | string[] | undefined>;

interface Props {
  language: Language;
  search: Search;
  category?: string;
  title: string;
}

export function Listing(props: Props) {
  return orAway(props.language, () => listing(props));
}

async function listing({ language, search, category, title }: Props) {
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
    wanted.q === undefined
      ? undefined
      : catalog.suggest({ q: wanted.q.slice(0, 100), language }).catch(() => undefined),
  ]);
  const isEmpty = page.items.length === 0;
  const popular = isEmpty ? await catalog.listFeaturedProducts({ language, limit: 4 }) : undefined;
  const heading = wanted.q === undefined ? title : fill(m.list.results, { q: wanted.q });
  const chosen = chosenFilters(wanted, language);
  const own = (name: string) => (typeof search[name] === 'string' ? search[name] : '');

  const select = (name: string, label: string, options: { value: string; text: string; count: number }[]) => (
    <label className="field">
      {label}
      <select name={name} defaultValue={own(name)}>
        <option value="">{m.list.any}</option>
        {options.map(({ value, text, count }) => (
          <option key={value} value={value}>
            {wanted.q === undefined ? `${text} (${digits(count, language)})` : text}
          </option>
        ))}
      </select>
    </label>
  );
  const sorts = Object.entries(m.list.sorts).filter(([value]) => value !== 'relevance' || wanted.q !== undefined);
  return (
    <>
      <div className="row between">
        <h1>{heading}</h1>
        <button type="button" className="button filters-open" popoverTarget="filters">
          <Icon name="filter" />
          {m.list.filters}
          {chosen.length > 0 && <span className="badge">{digits(chosen.length, language)}</span>}
        </button>
      </div>
      {suggestion?.didYouMean && (
        <p className="soft">
          <a href={pathIn(language, `/products?q=${encodeURIComponent(suggestion.didYouMean)}`)}>
            {fill(m.list.didYouMean, { q: suggestion.didYouMean })}
          </a>
        </p>
      )}
      {chosen.length > 0 && (
        <ul className="row chosen" aria-label={m.list.chosen}>
          {chosen.map(({ name, text }) => (
            <li key={name}>
              <a className="pill" href={without(search, name)} aria-label={fill(m.list.remove, { name: text })}>
                {text}
                <Icon name="cross" />
              </a>
            </li>
          ))}
          <li>
            <a className="pill bare" href={wanted.q === undefined ? '?' : `?q=${encodeURIComponent(wanted.q)}`}>
              {m.list.clear}
            </a>
          </li>
        </ul>
      )}
      <div className="listing">
        <aside className="filters card" id="filters" popover="auto" aria-label={m.list.filters}>
          <form className="stack" method="get">
            <div className="row between filters-head">
              <h2>{m.list.filters}</h2>
              <button
                type="button"
                className="tool"
                popoverTarget="filters"
                popoverTargetAction="hide"
                aria-label={m.list.close}
              >
                <Icon name="cross" />
              </button>
            </div>
            {wanted.q !== undefined && <input type="hidden" name="q" value={wanted.q} />}
            <label className="field">
              {m.list.sort}
              <select name="sort" defaultValue={wanted.sort ?? (wanted.q === undefined ? 'newest' : 'relevance')}>
                {sorts.map(([value, text]) => (
                  <option key={value} value={value}>
                    {text}
                  </option>
                ))}
              </select>
            </label>
            {select(
              'platform',
              m.list.platform,
              facets.platforms.map((facet) => ({ ...facet, text: m.platforms[facet.value] ?? facet.value })),
            )}
            {select(
              'region',
              m.list.region,
              facets.regions.map((facet) => ({ ...facet, text: m.regions[facet.value] ?? facet.value })),
            )}
            {select(
              'type',
              m.list.type,
              facets.types.map((facet) => ({ ...facet, text: m.list.types[facet.value] })),
            )}
            <div className="pair">
              <label className="field">
                {m.list.priceMin}
                <input name="minToman" inputMode="numeric" maxLength={20} defaultValue={own('minToman')} />
              </label>
              <label className="field">
                {m.list.priceMax}
                <input name="maxToman" inputMode="numeric" maxLength={20} defaultValue={own('maxToman')} />
              </label>
            </div>
            <label className="check">
              <input type="checkbox" name="inStock" value="true" defaultChecked={wanted.inStock ?? false} />
              {m.list.stockOnly}
            </label>
            <button className="button main" type="submit">
              {m.list.apply}
            </button>
          </form>
        </aside>
        <div className="stack">
          {isEmpty ? (
            <>
              <div className="card result">
                <span className="mark">
                  <Icon name="search" />
                </span>
                <h2>{m.list.empty}</h2>
                <p className="soft">{m.list.emptyHint}</p>
                <a className="button" href={pathIn(language, '/products')}>
                  {m.nav.products}
                </a>
              </div>
              <h2>{m.list.popular}</h2>
              <ProductGrid products={popular?.items ?? []} language={language} />
            </>
          ) : (
            <>
              <h2 className="hidden-text">{heading}</h2>
              <ProductGrid products={page.items} language={language} />
            </>
          )}
          <nav className="row between" aria-label={m.list.pages}>
            {wanted.cursor !== undefined && (
              <a className="button" href={without(search, 'cursor')}>
                {m.list.first}
              </a>
            )}
            {page.nextCursor !== null && (
              <a className="button" rel="next" href={nextPage(search, page.nextCursor)}>
                {m.list.next}
              </a>
            )}
          </nav>
        </div>
      </div>
    </>
  );
}

/** What the shopper has asked for, by the name of its field in the address. */
function chosenFilters(wanted: ListQuery, language: Language): { name: string; text: string }[] {
  const m = messagesOf(language);
  const chosen: { name: string; text: string | undefined }[] = [
    { name: 'platform', text: wanted.platform && (m.platforms[wanted.platform] ?? wanted.platform) },
    { name: 'region', text: wanted.region && (m.regions[wanted.region] ?? wanted.region) },
    { name: 'type', text: wanted.type && m.list.types[wanted.type] },
    {
      name: 'minToman',
      text: wanted.minPriceRial && fill(m.list.atLeast, { amount: formatToman(wanted.minPriceRial, language) }),
    },
    {
      name: 'maxToman',
      text: wanted.maxPriceRial && fill(m.list.atMost, { amount: formatToman(wanted.maxPriceRial, language) }),
    },
    { name: 'inStock', text: wanted.inStock ? m.list.stockOnly : undefined },
  ].map(({ name, text }) => ({ name, text: text || undefined }));
  return chosen.filter((filter): filter is { name: string; text: string } => filter.text !== undefined);
}
