import { join } from 'node:path';
import { catalogContract } from '@kelid/contracts/catalog';
import { openDatabase } from '@kelid/service/database';
import { defineService } from '@kelid/service/define-service';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { CatalogConfig } from './config.ts';
import { onStockChanged } from './events/on-stock-changed.ts';
import { followRates } from './jobs/follow-rates.ts';
import { forgetQuotes } from './jobs/forget-quotes.ts';
import { repriceVariants } from './jobs/reprice-variants.ts';
import { openRateSources } from './open-rate-sources.ts';
import { clearManualRate } from './operations/clear-manual-rate.ts';
import { createCategory } from './operations/create-category.ts';
import { createProduct } from './operations/create-product.ts';
import { findVariantBySku } from './operations/find-variant-by-sku.ts';
import { getCacheVersion } from './operations/get-cache-version.ts';
import { getMedia } from './operations/get-media.ts';
import { getPriceExplanation } from './operations/get-price-explanation.ts';
import { getProduct } from './operations/get-product.ts';
import { getProductBySlug } from './operations/get-product-by-slug.ts';
import { getVariants } from './operations/get-variants.ts';
import { listCategories } from './operations/list-categories.ts';
import { listFacets } from './operations/list-facets.ts';
import { listFeaturedProducts } from './operations/list-featured-products.ts';
import { listPriceHistory } from './operations/list-price-history.ts';
import { listProducts } from './operations/list-products.ts';
import { listProposals } from './operations/list-proposals.ts';
import { listRates } from './operations/list-rates.ts';
import { loadDemo } from './operations/load-demo.ts';
import { moveCategory } from './operations/move-category.ts';
import { previewPriceChange } from './operations/preview-price-change.ts';
import { reviewProduct } from './operations/review-product.ts';
import { setManualRate } from './operations/set-manual-rate.ts';
import { setPriceFormula } from './operations/set-price-formula.ts';
import { suggest } from './operations/suggest.ts';
import { updateProduct } from './operations/update-product.ts';
import { updateVariant } from './operations/update-variant.ts';
import { uploadProductImage } from './operations/upload-product-image.ts';
import { createDiskStore } from './storage/disk.ts';
import { createS3Store } from './storage/s3.ts';
import { listCatalogBreaches } from './operations/list-catalog-breaches.ts';
import { settleCatalogBreach } from './operations/settle-catalog-breach.ts';
import type { Context } from './context.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const catalogService = defineService({
  contract: catalogContract,
  peers: [],
  migrationsFolder,
  config: CatalogConfig,
  createParts(config, start) {
    const { db, log } = start.contextOf();
    const replica =
      config.CATALOG_REPLICA_URL === undefined
        ? undefined
        : openDatabase({ url: config.CATALOG_REPLICA_URL, poolMax: 10, log, name: 'catalog replica' });
    if (replica) start.onClose(() => replica.close());
    const readDb = replica?.db ?? db;
    const rateSources = openRateSources(config, log);
    if (config.CATALOG_S3_ENDPOINT === undefined)
      return { config, readDb, rateSources, store: createDiskStore(config.CATALOG_MEDIA_FOLDER) };
    const store = createS3Store({
      endpoint: config.CATALOG_S3_ENDPOINT,
      region: config.CATALOG_S3_REGION,
      bucket: config.CATALOG_S3_BUCKET,
      accessKey: config.CATALOG_S3_ACCESS_KEY ?? '',
      secretKey: config.CATALOG_S3_SECRET_KEY ?? '',
    });
    start.onClose(async () => store.close());
    return { config, readDb, rateSources, store };
  },
  operations: {
    listCatalogBreaches,
    settleCatalogBreach,
    listProducts,
    listFeaturedProducts,
    listFacets,
    getProductBySlug,
    getProduct,
    suggest,
    listCategories,
    getMedia,
    createProduct,
    updateProduct,
    listProposals,
    reviewProduct,
    updateVariant,
    createCategory,
    moveCategory,
    uploadProductImage,
    getPriceExplanation,
    listRates,
    setManualRate,
    clearManualRate,
    setPriceFormula,
    previewPriceChange,
    listPriceHistory,
    getVariants,
    findVariantBySku,
    loadDemo,
    getCacheVersion,
  },
  events: { 'stock.changed': onStockChanged },
  sweeps: [
    watchInvariants<Context>(migrationsFolder),
    { name: 'follow-rates', everyMs: 1_000, run: followRates },
    { name: 'reprice-variants', everyMs: 1_000, run: repriceVariants },
    { name: 'forget-quotes', everyMs: 3_600_000, run: forgetQuotes },
  ],
});
