import { join } from 'node:path';
import { catalogContract } from '@kelid/contracts/catalog';
import { openDatabase } from '@kelid/service/database';
import { defineService } from '@kelid/service/define-service';
import { CatalogConfig } from './config.ts';
import { onStockChanged } from './events/on-stock-changed.ts';
import { createCategory } from './operations/create-category.ts';
import { createProduct } from './operations/create-product.ts';
import { findVariantBySku } from './operations/find-variant-by-sku.ts';
import { getCacheVersion } from './operations/get-cache-version.ts';
import { getMedia } from './operations/get-media.ts';
import { getProduct } from './operations/get-product.ts';
import { getProductBySlug } from './operations/get-product-by-slug.ts';
import { getVariants } from './operations/get-variants.ts';
import { listCategories } from './operations/list-categories.ts';
import { listFacets } from './operations/list-facets.ts';
import { listFeaturedProducts } from './operations/list-featured-products.ts';
import { listProducts } from './operations/list-products.ts';
import { loadDemo } from './operations/load-demo.ts';
import { moveCategory } from './operations/move-category.ts';
import { suggest } from './operations/suggest.ts';
import { updateProduct } from './operations/update-product.ts';
import { updateVariant } from './operations/update-variant.ts';
import { uploadProductImage } from './operations/upload-product-image.ts';
import { createDiskStore } from './storage/disk.ts';
import { createS3Store } from './storage/s3.ts';

export const catalogService = defineService({
  contract: catalogContract,
  peers: [],
  migrationsFolder: join(import.meta.dirname, 'db/migrations'),
  config: CatalogConfig,
  createParts(config, start) {
    const { db, log } = start.contextOf();
    const replica =
      config.CATALOG_REPLICA_URL === undefined
        ? undefined
        : openDatabase({ url: config.CATALOG_REPLICA_URL, poolMax: 10, log, name: 'catalog replica' });
    if (replica) start.onClose(() => replica.close());
    const readDb = replica?.db ?? db;
    if (config.CATALOG_S3_ENDPOINT === undefined)
      return { config, readDb, store: createDiskStore(config.CATALOG_MEDIA_FOLDER) };
    const store = createS3Store({
      endpoint: config.CATALOG_S3_ENDPOINT,
      region: config.CATALOG_S3_REGION,
      bucket: config.CATALOG_S3_BUCKET,
      accessKey: config.CATALOG_S3_ACCESS_KEY ?? '',
      secretKey: config.CATALOG_S3_SECRET_KEY ?? '',
    });
    start.onClose(async () => store.close());
    return { config, readDb, store };
  },
  operations: {
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
    updateVariant,
    createCategory,
    moveCategory,
    uploadProductImage,
    getVariants,
    findVariantBySku,
    loadDemo,
    getCacheVersion,
  },
  events: { 'stock.changed': onStockChanged },
});
