import { z } from 'zod';
import {
  AmountRial,
  Cursor,
  FieldErrors,
  Id,
  Instant,
  Language,
  Limit,
  LocalizedText,
  NoInput,
  NoOutput,
  page,
  priceMaxRial,
  Quantity,
} from './common.ts';
import { contract, operation, problem } from './contract.ts';
import { stockChanged } from './events.ts';
import { GameAccountRule } from './game-account.ts';
import { listBreachesOf, settleBreachOf } from './monitoring.ts';

export const productNotFound = problem('catalog.product-not-found', { status: 404, title: 'No such product' });
export const categoryNotFound = problem('catalog.category-not-found', { status: 404, title: 'No such category' });
export const categoryCycle = problem('catalog.category-cycle', {
  status: 409,
  title: 'A category cannot be moved below itself',
});
export const slugTaken = problem('catalog.slug-taken', {
  status: 409,
  title: 'Another product or category has this slug',
});
export const imageRefused = problem('catalog.image-refused', {
  status: 422,
  title: 'This file cannot be used as a product image',
});
export const mediaNotFound = problem('catalog.media-not-found', {
  status: 404,
  title: 'No such file, or its link has expired',
});
export const cursorInvalid = problem('catalog.cursor-invalid', {
  status: 422,
  title: 'This cursor does not belong to this list',
});

export const rateNotSet = problem('catalog.rate-not-set', {
  status: 409,
  title: 'There is no rate of this currency yet',
});
export const expiryNotAhead = problem('catalog.expiry-not-ahead', {
  status: 422,
  title: 'A rate set by hand ends in the future, within 30 days',
});

export const rateImplausible = problem('catalog.rate-implausible', {
  status: 422,
  title: 'A rate set by hand is at least half of the rate before and at most twice as much; is it in Rial?',
  data: z.object({ knownRateRial: z.int() }),
});

export const staffDecides = problem('catalog.staff-decides', {
  status: 422,
  title: 'Staff decide what is published and what is featured',
  data: FieldErrors,
});
export const priceOutOfBounds = problem('catalog.price-out-of-bounds', {
  status: 422,
  title: 'This price is too low, too high, or not for a seller to set',
  data: FieldErrors,
});
export const proposalChanged = problem('catalog.proposal-changed', {
  status: 409,
  title: 'This is no proposal that waits, or it was changed since you looked; look again',
});
export const notReviewed = problem('catalog.not-reviewed', {
  status: 409,
  title: 'A product of a seller is shown when its proposal was approved',
});

/** Of a seller's product; the shop's own are always `approved`. */
export const ReviewState = z.enum(['proposed', 'approved', 'rejected']);
export type ReviewState = z.infer<typeof ReviewState>;

export const ProductType = z.enum(['gift_card', 'game_key', 'game_credit', 'digital_item']);
export const Availability = z.enum(['in_stock', 'low', 'from_supplier', 'pre_order', 'out_of_stock']);
export type Availability = z.infer<typeof Availability>;
/** How a bought unit reaches its buyer: as a product key (a text or a picture), or on a player's account. */
export const FulfilmentKind = z.enum(['key', 'top_up']);
export type FulfilmentKind = z.infer<typeof FulfilmentKind>;
const Slug = z
  .string()
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
  .max(100);
/** URLs below the gateway: `/api/v1/media/…`, one per width. */
export const Image = z.object({ small: z.string(), medium: z.string(), large: z.string(), alt: z.string() });

export const ProductSummary = z.object({
  id: Id,
  slug: z.string(),
  title: z.string(),
  summary: z.string(),
  type: ProductType,
  platform: z.string(),
  brand: z.string(),
  image: Image.nullable(),
  rating: z.number().nullable(),
  fromPriceRial: AmountRial.nullable(),
  inStock: z.boolean(),
  regions: z.array(z.string()),
});
export const Variant = z.object({
  id: Id,
  sku: z.string(),
  title: z.string(),
  region: z.string(),
  faceValue: z.int().describe('minor units of faceCurrency'),
  faceCurrency: z.string(),
  priceRial: AmountRial,
  availability: Availability,
  /** The day the publisher sells it from; a `pre_order` is delivered then. */
  releasesOn: z.iso.date().nullable(),
});
export const CategoryRef = z.object({ id: Id, slug: z.string(), title: z.string() });
export const Product = ProductSummary.extend({
  description: z.string(),
  activationGuide: z.array(z.string()),
  /** What account a top-up needs; null for what is delivered as a code. */
  accountRule: GameAccountRule.nullable(),
  category: CategoryRef,
  breadcrumbs: z.array(CategoryRef),
  variants: z.array(Variant),
  updatedAt: Instant,
});
export interface CategoryNode {
  id: string;
  slug: string;
  title: string;
  productCount: number;
  children: CategoryNode[];
}
const CategoryNode: z.ZodType<CategoryNode> = z
  .object({
    id: Id,
    slug: z.string(),
    title: z.string(),
    productCount: z.int(),
    get children() {
      return z.array(CategoryNode);
    },
  })
  .meta({ id: 'CategoryNode' });
export const ProductSort = z.enum(['relevance', 'newest', 'price', '-price', 'title']);
const Lang = { language: Language.default('fa') };
const staff = ['admin', 'seller', 'internal'] as const;

const ProductFields = z.object({
  slug: Slug,
  title: LocalizedText,
  summary: LocalizedText,
  description: LocalizedText,
  activationGuide: z.object({ fa: z.array(z.string().max(500)).max(20), en: z.array(z.string().max(500)).max(20) }),
  type: ProductType,
  brand: z.string().min(1).max(60),
  platform: z.string().min(1).max(40),
  categoryId: Id,
  aliases: z.array(z.string().max(80)).max(40),
  isFeatured: z.boolean(),
  /** Top-ups only: which game's account they need. */
  accountRule: GameAccountRule.nullable().optional(),
});
const VariantFields = z.object({
  sku: z.string().min(1).max(60),
  title: LocalizedText,
  region: z.string().min(2).max(20),
  faceValue: z.int().min(0),
  faceCurrency: z.string().length(3),
  priceRial: AmountRial.min(10_000).max(priceMaxRial),
  releasesOn: z.iso.date().nullable().optional(),
});

export const RateCurrency = z.enum(['USD', 'EUR', 'TRY']);
export type RateCurrency = z.infer<typeof RateCurrency>;
/** Rial for one whole unit; outside of these bounds no currency of ours is worth anything that a source could mean. */
export const RateRial = z.int().min(1_000).max(1_000_000_000).describe('whole Rial for one unit of the currency');
/** `unconfirmed`: nothing wrong with it, but no other source says the same. */
export const QuoteVerdict = z.enum(['used', 'stale', 'outlier', 'unconfirmed']);
export type QuoteVerdict = z.infer<typeof QuoteVerdict>;
export const PriceFormula = z
  .strictObject({
    currency: RateCurrency,
    costMinor: z.int().min(1).max(10_000_000).describe('hundredths of the currency'),
    marginBasisPoints: z.int().min(0).max(100_000),
    feeRial: AmountRial.max(1_000_000_000_000),
    stepRial: AmountRial.min(10).max(10_000_000).multipleOf(10).describe('prices are rounded up to a multiple of this'),
    floorRial: AmountRial.min(10_000),
    ceilingRial: AmountRial.nullable(),
  })
  .refine(({ floorRial, ceilingRial }) => ceilingRial === null || ceilingRial >= floorRial, {
    path: ['ceilingRial'],
    error: 'is not below the floor',
  });
export type PriceFormula = z.infer<typeof PriceFormula>;
export const PriceInputs = z.object({ ...PriceFormula.shape, rateRial: RateRial });
export type PriceInputs = z.infer<typeof PriceInputs>;
/** `rate`: the rate moved; `formula`: its formula was changed; `hand`: somebody set the price itself. */
export const PriceCause = z.enum(['rate', 'formula', 'hand']);
export type PriceCause = z.infer<typeof PriceCause>;
const RateSourceKind = z.enum(['market', 'manual']);
const Reason = z.string().min(3).max(300);

export const catalogContract = contract(
  'catalog',
  {
    listCatalogBreaches: listBreachesOf('catalog'),
    settleCatalogBreach: settleBreachOf('catalog'),
    listProducts: operation({
      method: 'GET',
      path: '/products',
      summary: 'Products by words and filters',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({
        q: z.string().max(200).optional(),
        category: z.string().max(100).optional(),
        platform: z.string().max(40).optional(),
        region: z.string().max(20).optional(),
        brand: z.string().max(60).optional(),
        type: ProductType.optional(),
        minPriceRial: AmountRial.optional(),
        maxPriceRial: AmountRial.optional(),
        inStock: z.boolean().optional(),
        sort: ProductSort.optional(),
        limit: Limit,
        cursor: Cursor,
        ...Lang,
      }),
      output: page(ProductSummary),
      problems: [cursorInvalid],
    }),
    listFeaturedProducts: operation({
      method: 'GET',
      path: '/products/featured',
      summary: 'What the home page shows first',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({ limit: Limit, ...Lang }),
      output: page(ProductSummary),
    }),
    listFacets: operation({
      method: 'GET',
      path: '/products/facets',
      summary: 'The values that lists can be filtered by, with counts',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({ category: z.string().max(100).optional() }),
      output: z.object({
        platforms: z.array(z.object({ value: z.string(), count: z.int() })),
        regions: z.array(z.object({ value: z.string(), count: z.int() })),
        brands: z.array(z.object({ value: z.string(), count: z.int() })),
        types: z.array(z.object({ value: ProductType, count: z.int() })),
      }),
    }),
    getProductBySlug: operation({
      method: 'GET',
      path: '/products/slug/{slug}',
      summary: 'One product by its slug',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({ slug: z.string().max(100), ...Lang }),
      output: Product,
      problems: [productNotFound],
    }),
    getProduct: operation({
      method: 'GET',
      path: '/products/{productId}',
      summary: 'One product by its id',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({ productId: Id, ...Lang }),
      output: Product,
      problems: [productNotFound],
    }),
    suggest: operation({
      method: 'GET',
      path: '/search/suggest',
      summary: 'What a half-typed word may mean',
      access: ['public'],
      limitPerMinute: 120,
      cache: { ttlSeconds: 300, tags: ['products'] },
      input: z.object({ q: z.string().min(1).max(100), ...Lang }),
      output: z.object({
        products: z.array(ProductSummary),
        categories: z.array(CategoryRef),
        didYouMean: z.string().nullable(),
      }),
    }),
    listCategories: operation({
      method: 'GET',
      path: '/categories',
      summary: 'The category tree',
      access: ['public'],
      cache: { ttlSeconds: 3600, tags: ['products'] },
      input: z.object({ ...Lang }),
      output: z.object({ items: z.array(CategoryNode) }),
    }),
    getMedia: operation({
      method: 'GET',
      path: '/media/{mediaKey}',
      summary: 'A stored file: public ones always, private ones by a signed link',
      access: ['public'],
      transport: 'download',
      cache: { ttlSeconds: 3600, tags: ['media'] },
      input: z.object({
        mediaKey: z.string().regex(/^[a-z0-9][a-z0-9._-]{3,120}$/),
        expires: z.int().optional(),
        signature: z.string().max(100).optional(),
      }),
      output: z.object({ contentType: z.string(), contentBase64: z.string(), isPublic: z.boolean() }),
      problems: [mediaNotFound],
    }),
    createProduct: operation({
      method: 'POST',
      path: '/admin/products',
      summary: 'Adds a product',
      access: staff,
      status: 201,
      input: ProductFields.extend({ variants: z.array(VariantFields).min(1).max(60) }),
      output: z.object({ productId: Id, variants: z.array(z.object({ id: Id, sku: z.string() })) }),
      problems: [slugTaken, categoryNotFound, staffDecides, priceOutOfBounds],
      checksSession: true,
    }),
    updateProduct: operation({
      method: 'PATCH',
      path: '/admin/products/{productId}',
      summary: 'Changes a product; a seller only its own, which is then hidden until staff have looked at it',
      access: staff,
      input: ProductFields.partial().extend({ productId: Id, isPublished: z.boolean().optional() }),
      output: z.object({ productId: Id }),
      problems: [productNotFound, slugTaken, categoryNotFound, staffDecides, notReviewed],
      checksSession: true,
    }),
    listProposals: operation({
      method: 'GET',
      path: '/admin/product-proposals',
      summary: "Products of sellers and what staff said of them, newest first; a seller's own, or all",
      access: ['admin', 'seller'],
      input: z.object({ review: ReviewState.optional(), limit: Limit, cursor: Cursor }),
      output: page(
        z.object({
          productId: Id,
          sellerId: Id,
          slug: z.string(),
          title: LocalizedText,
          summary: LocalizedText,
          description: LocalizedText,
          review: ReviewState,
          note: z.string().nullable(),
          /** Grows with each change of the seller; a decision names the one it is about. */
          proposalNumber: z.int(),
          isPublished: z.boolean(),
          variants: z.array(z.object({ id: Id, sku: z.string(), title: LocalizedText, priceRial: AmountRial })),
        }),
      ),
      problems: [cursorInvalid],
    }),
    reviewProduct: operation({
      method: 'POST',
      path: '/admin/products/{productId}/review',
      summary: "Publishes a seller's product, or says why not",
      access: ['admin'],
      input: z.object({
        productId: Id,
        proposalNumber: z.int(),
        decision: z.enum(['approve', 'reject']),
        note: Reason.optional(),
      }),
      output: z.object({ productId: Id, review: ReviewState, isPublished: z.boolean() }),
      problems: [productNotFound, proposalChanged],
      checksSession: true,
    }),
    updateVariant: operation({
      method: 'PATCH',
      path: '/admin/variants/{variantId}',
      summary: 'Changes the price or the words of a variant; a seller within bounds, and words wait for staff',
      access: staff,
      input: VariantFields.omit({ sku: true })
        .partial()
        .extend({ variantId: Id, reason: Reason.optional().describe('why the price changes; kept in its history') }),
      output: z.object({ variantId: Id }),
      problems: [productNotFound, priceOutOfBounds],
      checksSession: true,
    }),
    createCategory: operation({
      method: 'POST',
      path: '/admin/categories',
      summary: 'Adds a category',
      access: ['admin', 'internal'],
      status: 201,
      input: z.object({
        slug: Slug,
        title: LocalizedText,
        parentId: Id.nullable(),
        position: z.int().min(0).max(1000),
      }),
      output: z.object({ categoryId: Id }),
      problems: [slugTaken, categoryNotFound],
      checksSession: true,
    }),
    moveCategory: operation({
      method: 'PATCH',
      path: '/admin/categories/{categoryId}',
      summary: 'Moves a category with all below it',
      access: ['admin', 'internal'],
      input: z.object({ categoryId: Id, parentId: Id.nullable(), position: z.int().min(0).max(1000) }),
      output: z.object({ categoryId: Id }),
      problems: [categoryNotFound, categoryCycle],
      checksSession: true,
    }),
    uploadProductImage: operation({
      method: 'POST',
      path: '/admin/products/{productId}/image',
      summary: 'Stores a product image in three widths; the body is the file',
      access: staff,
      transport: 'upload',
      bodyBytesMax: 5 * 1024 * 1024,
      input: z.object({ productId: Id, contentType: z.string().max(60), contentBase64: z.string().max(7_000_000) }),
      output: z.object({ image: Image }),
      problems: [productNotFound, imageRefused],
      checksSession: true,
    }),
    getPriceExplanation: operation({
      method: 'GET',
      path: '/variants/{variantId}/price-explanation',
      summary: 'The rate behind a price, where it is from and since when',
      access: ['public'],
      limitPerMinute: 120,
      input: z.object({ variantId: Id }),
      output: z.object({
        variantId: Id,
        priceRial: AmountRial,
        /** Null for a price that follows no rate. */
        rate: z
          .object({
            currency: RateCurrency,
            rateRial: RateRial,
            source: RateSourceKind,
            acceptedAt: Instant,
            /** When the sources of the market last agreed on about this rate. */
            agreedAt: Instant.nullable(),
          })
          .nullable(),
      }),
      problems: [productNotFound],
    }),
    listRates: operation({
      method: 'GET',
      path: '/admin/rates',
      summary: 'The rates that prices follow, what each source said last, and what was made of it',
      access: ['admin', 'internal'],
      input: NoInput,
      output: z.object({
        items: z.array(
          z.object({
            currency: RateCurrency,
            rate: z.object({ id: z.int(), rateRial: RateRial, source: RateSourceKind, acceptedAt: Instant }).nullable(),
            marketRateRial: RateRial.nullable(),
            agreedAt: Instant.nullable(),
            /** Since when the sources do not agree, so that no price moves. */
            frozenSince: Instant.nullable(),
            manual: z
              .object({ rateRial: RateRial, reason: z.string(), setBy: z.string(), expiresAt: Instant })
              .nullable(),
            quotes: z.array(
              z.object({
                source: z.string(),
                rateRial: RateRial,
                quotedAt: Instant,
                readAt: Instant,
                verdict: QuoteVerdict,
              }),
            ),
          }),
        ),
      }),
    }),
    setManualRate: operation({
      method: 'PUT',
      path: '/admin/rates/{currency}/manual',
      summary: 'A rate set by hand, which wins over the market until it ends; the prices follow within seconds',
      access: ['admin', 'internal'],
      input: z.object({ currency: RateCurrency, rateRial: RateRial, reason: Reason, expiresAt: Instant }),
      output: z.object({ currency: RateCurrency, rateId: z.int() }),
      problems: [expiryNotAhead, rateImplausible],
      checksSession: true,
    }),
    clearManualRate: operation({
      method: 'DELETE',
      path: '/admin/rates/{currency}/manual',
      summary: 'Ends a rate set by hand before its time: back to the market',
      access: ['admin', 'internal'],
      status: 204,
      input: z.object({ currency: RateCurrency }),
      output: NoOutput,
      checksSession: true,
    }),
    setPriceFormula: operation({
      method: 'PUT',
      path: '/admin/variants/{variantId}/price-formula',
      summary:
        'How the price of a variant is made of a rate, from now on; null leaves the price as it is, to be set by hand',
      access: ['admin', 'internal'],
      input: z.object({ variantId: Id, formula: PriceFormula.nullable(), reason: Reason }),
      output: z.object({ variantId: Id, priceRial: AmountRial }),
      problems: [productNotFound],
      checksSession: true,
    }),
    previewPriceChange: operation({
      method: 'POST',
      path: '/admin/prices/preview',
      summary: 'Which prices another rate or another formula would change; nothing is written',
      access: ['admin', 'internal'],
      input: z.object({
        currency: RateCurrency,
        /** The rate that is followed now when left out. */
        rateRial: RateRial.optional(),
        /** Only this variant, with this formula in place of its own. */
        variant: z.strictObject({ variantId: Id, formula: PriceFormula }).optional(),
        limit: Limit,
        cursor: Cursor,
      }),
      output: page(
        z.object({ variantId: Id, sku: z.string(), title: LocalizedText, fromRial: AmountRial, toRial: AmountRial }),
      ),
      problems: [rateNotSet, productNotFound, cursorInvalid],
    }),
    listPriceHistory: operation({
      method: 'GET',
      path: '/admin/variants/{variantId}/price-history',
      summary: 'Each price that a variant got, newest first, with the formula, the rate, who and why',
      access: ['admin', 'internal'],
      input: z.object({ variantId: Id, limit: Limit, cursor: Cursor }),
      output: page(
        z.object({
          id: Id,
          oldPriceRial: AmountRial,
          priceRial: AmountRial,
          cause: PriceCause,
          inputs: PriceInputs.nullable(),
          rateId: z.int().nullable(),
          reason: z.string().nullable(),
          changedBy: z.string(),
          at: Instant,
        }),
      ),
      problems: [cursorInvalid],
    }),
    // Between services.
    getVariants: operation({
      method: 'GET',
      path: '/internal/catalog/variants',
      summary: 'What carts and orders need to know of variants; unknown and unpublished ones are left out',
      access: ['internal'],
      input: z.object({ variantIds: z.array(Id).max(100) }),
      output: z.object({
        items: z.array(
          z.object({
            variantId: Id,
            productId: Id,
            /** The product's category and all above it. */
            categoryIds: z.array(Id).default([]),
            productSlug: z.string(),
            sku: z.string(),
            title: LocalizedText,
            variantTitle: LocalizedText,
            type: ProductType,
            brand: z.string(),
            platform: z.string(),
            region: z.string(),
            faceValue: z.int(),
            faceCurrency: z.string(),
            image: z.string().nullable(),
            priceRial: AmountRial,
            availability: Availability,
            accountRule: GameAccountRule.nullable(),
            releasesOn: z.iso.date().nullable(),
            /** Who sells it; null is the shop itself. */
            sellerId: Id.nullable().default(null),
            fulfilmentKind: FulfilmentKind.default('key'),
          }),
        ),
      }),
    }),
    findVariantBySku: operation({
      method: 'GET',
      path: '/internal/catalog/skus/{sku}',
      summary: 'The variant with this stock-keeping unit, for imports',
      access: ['internal'],
      input: z.object({ sku: z.string().max(60) }),
      output: z.object({
        variant: z
          .object({ variantId: Id, brand: z.string(), platform: z.string(), accountRule: GameAccountRule.nullable() })
          .nullable(),
      }),
    }),
    loadDemo: operation({
      method: 'POST',
      path: '/internal/catalog/demo',
      summary: 'Fills an empty catalogue with the demo shop; safe to repeat',
      access: ['internal'],
      input: NoInput,
      output: z.object({
        productCount: z.int(),
        variants: z.array(
          z.object({ variantId: Id, sku: z.string(), brand: z.string(), demoStockCount: Quantity.or(z.literal(0)) }),
        ),
      }),
    }),
    getCacheVersion: operation({
      method: 'GET',
      path: '/internal/catalog/version',
      summary: 'A number that grows with each write that cached answers must follow',
      access: ['internal'],
      input: NoInput,
      output: z.object({ version: z.int() }),
    }),
  },
  stockChanged,
);
