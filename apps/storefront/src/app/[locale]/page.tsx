import { cookies } from 'next/headers';
import { HeroArt, Icon } from '../../components/icons.tsx';
import { ProductGrid } from '../../components/product-card.tsx';
import { orAway } from '../../components/away.tsx';
import { ContinueCard } from '../../features/order/continue-card.tsx';
import { catalog } from '../../lib/gateway.ts';
import { type Language, languageOf, messagesOf, pathIn } from '../../lib/language.ts';
import { cookieNames } from '../../lib/session-cookies.ts';

const trustSigns = ['bolt', 'shield', 'clock', 'check'];

export default async function Home({ params }: { params: Promise<{ locale: string }> }) {
  const language = languageOf((await params).locale);
  return orAway(language, () => homeIn(language));
}

async function homeIn(language: Language) {
  const m = messagesOf(language);
  const [featured, credits, games, facets] = await Promise.all([
    catalog.listFeaturedProducts({ language, limit: 8 }),
    catalog.listProducts({ language, type: 'game_credit', inStock: true, limit: 4 }),
    catalog.listProducts({ language, type: 'game_key', inStock: true, limit: 4 }),
    catalog.listFacets({}),
  ]);
  const isSignedIn = (await cookies()).has(cookieNames.refresh);
  const popular = facets.brands.slice(0, 5);
  return (
    <>
      {isSignedIn && <ContinueCard language={language} m={{ title: m.home.continueTitle, go: m.home.continueGo }} />}
      <section className="hero">
        <HeroArt />
        <h1>{m.home.title}</h1>
        <p>{m.home.lead}</p>
        <a className="button" href={pathIn(language, '/products')}>
          {m.home.cta}
        </a>
        <p className="row small popular">
          {m.home.popular}
          {popular.map(({ value }) => (
            <a key={value} className="pill" href={pathIn(language, `/products?q=${encodeURIComponent(value)}`)}>
              <bdi>{value}</bdi>
            </a>
          ))}
        </p>
      </section>
      <section className="section" aria-labelledby="platforms">
        <h2 id="platforms">{m.home.platforms}</h2>
        <div className="platforms">
          {facets.platforms.map(({ value }) => (
            <a key={value} className={`platform of-${value}`} href={pathIn(language, `/products?platform=${value}`)}>
              <Icon name={value} />
              {m.platforms[value] ?? value}
            </a>
          ))}
        </div>
      </section>
      <Row title={m.home.best} href={pathIn(language, '/products')} all={m.home.all}>
        <ProductGrid products={featured.items} language={language} />
      </Row>
      <ul className="trust section">
        {m.home.trust.map((promise, index) => (
          <li key={promise.title} className="card">
            <Icon name={trustSigns[index] ?? 'check'} />
            <h3>{promise.title}</h3>
            <p className="soft small">{promise.text}</p>
          </li>
        ))}
      </ul>
      <Row title={m.home.credits} href={pathIn(language, '/c/game-credits')} all={m.home.all}>
        <ProductGrid products={credits.items} language={language} />
      </Row>
      <Row title={m.home.games} href={pathIn(language, '/c/game-keys')} all={m.home.all}>
        <ProductGrid products={games.items} language={language} />
      </Row>
      <section className="section card">
        <h2>{m.home.howTitle}</h2>
        <ol className="steps">
          {m.home.how.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
    </>
  );
}

function Row({ title, href, all, children }: { title: string; href: string; all: string; children: React.ReactNode }) {
  return (
    <section className="section">
      <div className="row between">
        <h2>{title}</h2>
        <a className="button plain" href={href}>
          {all}
        </a>
      </div>
      {children}
    </section>
  );
}
