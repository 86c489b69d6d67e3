import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { notFound } from 'next/navigation';
import { ProblemError } from '@kelid/contracts/contract';
import { orAway, unlessRefused } from '../../../../components/away.tsx';
import { Icon } from '../../../../components/icons.tsx';
import { ProductGrid } from '../../../../components/product-card.tsx';
import { BuyBox } from '../../../../features/product/buy-box.tsx';
import { catalog, shopUrl } from '../../../../lib/gateway.ts';
import { type Language, languageOf, messagesOf, pathIn } from '../../../../lib/language.ts';

/** What search engines call it. */
const schemaAvailability = {
  in_stock: 'InStock',
  low: 'LimitedAvailability',
  from_supplier: 'InStock',
  pre_order: 'PreOrder',
  out_of_stock: 'OutOfStock',
};

interface Props {
  params: Promise<{ locale: string; slug: string }>;
}

function getProduct(language: Language, slug: string) {
  return catalog.getProductBySlug({ slug, language }).catch((error: unknown) => {
    if (error instanceof ProblemError && error.status === 404) notFound();
    throw error;
  });
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale, slug } = await params;
  const product = await unlessRefused(getProduct(languageOf(locale), slug));
  if (!product) return {};
  return {
    title: product.title,
    description: product.summary,
    ...(product.image
      ? { openGraph: { title: product.title, description: product.summary, images: [product.image.large] } }
      : {}),
  };
}

export default async function ProductPage({ params }: Props) {
  const { locale, slug } = await params;
  const language = languageOf(locale);
  return orAway(language, () => productIn(language, slug));
}

async function productIn(language: Language, slug: string) {
  const m = messagesOf(language);
  const product = await getProduct(language, slug);
  const [related, sameBrand] = await Promise.all([
    catalog.listProducts({ language, category: product.category.slug, inStock: true, limit: 12 }),
    catalog.listProducts({ language, brand: product.brand, type: product.type, limit: 20 }),
  ]);
  // Gift cards of one brand are a product per region: who holds an account elsewhere finds the right one from here.
  const otherRegions =
    product.type === 'gift_card'
      ? sameBrand.items.filter((other) => !other.regions.some((region) => product.regions.includes(region)))
      : [];
  const others = related.items.filter((other) => other.id !== product.id && other.brand !== product.brand).slice(0, 4);
  const nonce = (await headers()).get('x-nonce') ?? undefined;
  return (
    <>
      <nav className="crumbs" aria-label={m.nav.crumbs}>
        <a href={pathIn(language, '/')}>{m.nav.home}</a>
        {product.breadcrumbs.map((crumb) => (
          <span key={crumb.id}>
            / <a href={pathIn(language, `/c/${crumb.slug}`)}>{crumb.title}</a>
          </span>
        ))}
      </nav>
      <div className="product">
        <div className="picture">
          {product.image && (
            <img
              src={product.image.medium}
              srcSet={`${product.image.medium} 640w, ${product.image.large} 1280w`}
              sizes="(max-width: 56rem) 96vw, 38rem"
              width={640}
              height={400}
              alt={product.image.alt}
              fetchPriority="high"
            />
          )}
        </div>
        <div className="stack">
          <div className="row">
            <span className="badge">{m.platforms[product.platform] ?? product.platform}</span>
            <span className="badge">{m.list.types[product.type]}</span>
          </div>
          <h1>{product.title}</h1>
          <p className="soft">{product.summary}</p>
          {otherRegions.length > 0 && (
            <nav className="row small" aria-label={m.product.otherRegions}>
              <span className="soft">{m.product.otherRegions}</span>
              {otherRegions.map((other) => (
                <a key={other.id} className="pill" href={pathIn(language, `/p/${other.slug}`)}>
                  {other.regions.map((region) => m.regions[region] ?? region).join(' / ')}
                </a>
              ))}
            </nav>
          )}
          <BuyBox
            variants={product.variants.map(({ id, title, region, priceRial, availability, releasesOn }) => ({
              id,
              title,
              region,
              priceRial,
              availability,
              releasesOn,
            }))}
            language={language}
            m={m.product}
            regions={m.regions}
            cartHref={pathIn(language, '/cart')}
            accountRule={product.accountRule}
            servers={m.gameAccount.servers}
          />
        </div>
      </div>
      <div className="two">
        <section className="card stack">
          <h2>{m.product.about}</h2>
          <div className="prose">{product.description}</div>
        </section>
        <div className="stack">
          <section className="card stack" id="guide">
            <h2>{m.product.guide}</h2>
            <ol className="steps one">
              {product.activationGuide.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          </section>
          <section className="card stack refund">
            <h2>
              <Icon name="shield" />
              {m.product.refund}
            </h2>
            <p>{product.accountRule ? m.product.topUpRefundText : m.product.refundText}</p>
          </section>
        </div>
      </div>
      {others.length > 0 && (
        <section className="section">
          <h2>{m.product.related}</h2>
          <ProductGrid products={others} language={language} />
        </section>
      )}
      <script type="application/ld+json" nonce={nonce}>
        {structuredData(product, language)}
      </script>
    </>
  );
}

/** What search engines read. `<` is escaped, so that no text of a product can end the element. */
function structuredData(product: Awaited<ReturnType<typeof getProduct>>, language: Language): string {
  const url = `${shopUrl}${pathIn(language, `/p/${product.slug}`)}`;
  const data = [
    {
      '@context': 'https://schema.org',
      '@type': 'Product',
      name: product.title,
      description: product.summary,
      brand: { '@type': 'Brand', name: product.brand },
      ...(product.image ? { image: `${shopUrl}${product.image.large}` } : {}),
      offers: product.variants.map((variant) => ({
        '@type': 'Offer',
        url,
        sku: variant.sku,
        name: variant.title,
        price: variant.priceRial,
        priceCurrency: 'IRR',
        availability: `https://schema.org/${schemaAvailability[variant.availability]}`,
      })),
    },
    {
      '@context': 'https://schema.org',
      '@type': 'BreadcrumbList',
      itemListElement: product.breadcrumbs.map((crumb, index) => ({
        '@type': 'ListItem',
        position: index + 1,
        name: crumb.title,
        item: `${shopUrl}${pathIn(language, `/c/${crumb.slug}`)}`,
      })),
    },
  ];
  return JSON.stringify(data).replaceAll('<', String.raw`\u003c`);
}
