import type { z } from 'zod';
import type { ProductSummary } from '@kelid/contracts/catalog';
import { formatToman } from '@kelid/persian/toman';
import { type Language, messagesOf, pathIn } from '../lib/language.ts';

export type Summary = z.output<typeof ProductSummary>;

export function ProductCard({
  product,
  language,
  isFirst = false,
}: {
  product: Summary;
  language: Language;
  isFirst?: boolean;
}) {
  const m = messagesOf(language);
  return (
    <a className={product.inStock ? 'tile' : 'tile out'} href={pathIn(language, `/p/${product.slug}`)}>
      {product.image && (
        <img
          src={product.image.small}
          srcSet={`${product.image.small} 320w, ${product.image.medium} 640w`}
          sizes="(max-width: 34rem) 48vw, 16rem"
          width={320}
          height={200}
          alt=""
          loading={isFirst ? 'eager' : 'lazy'}
        />
      )}
      <div>
        <span className="row">
          {product.regions.slice(0, 2).map((region) => (
            <span key={region} className="badge">
              {m.regions[region] ?? region}
            </span>
          ))}
        </span>
        <h3>{product.title}</h3>
        <span className="price">
          {product.inStock && product.fromPriceRial !== null ? (
            <>
              <span className="soft small">{m.list.from} </span>
              {formatToman(product.fromPriceRial, language)}
            </>
          ) : (
            <span className="soft">{m.list.out}</span>
          )}
        </span>
      </div>
    </a>
  );
}

export function ProductGrid({ products, language }: { products: Summary[]; language: Language }) {
  return (
    <ul className="grid">
      {products.map((product, index) => (
        <li key={product.id} style={{ display: 'grid' }}>
          <ProductCard product={product} language={language} isFirst={index < 4} />
        </li>
      ))}
    </ul>
  );
}
