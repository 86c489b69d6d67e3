import { join } from 'node:path';
import { z } from 'zod';

export const CatalogConfig = z.object({
  /** A replica of the catalogue's database: lists, pages and searches are read there. */
  CATALOG_REPLICA_URL: z.url().optional(),
  CATALOG_MEDIA_FOLDER: z.string().default(join(import.meta.dirname, '../../../.data/media')),
  /** With these set, files live in an S3 bucket instead of the folder. */
  CATALOG_S3_ENDPOINT: z.url().optional(),
  CATALOG_S3_BUCKET: z.string().default('kelid-media'),
  CATALOG_S3_REGION: z.string().default('us-east-1'),
  CATALOG_S3_ACCESS_KEY: z.string().optional(),
  CATALOG_S3_SECRET_KEY: z.string().optional(),
  /** Signs links to private files. */
  CATALOG_MEDIA_SECRET: z.string().min(32, 'needs 32 characters or more'),
  /** Sources of rates, each used when its key (Nobitex: its address) is given. Without any, rates are set by hand. */
  CATALOG_RATE_NAVASAN_URL: z.url().default('http://localhost:4000/navasan'),
  CATALOG_RATE_NAVASAN_KEY: z.string().min(1).optional(),
  CATALOG_RATE_BRSAPI_URL: z.url().default('http://localhost:4000/brsapi'),
  CATALOG_RATE_BRSAPI_KEY: z.string().min(1).optional(),
  CATALOG_RATE_NOBITEX_URL: z.url().optional(),
  CATALOG_RATE_EVERY_SECONDS: z.coerce.number().int().min(30).max(86_400).default(300),
  /** So many sources must say about the same before prices follow them. */
  CATALOG_RATE_SOURCES_MIN: z.coerce.number().int().min(1).max(9).default(2),
  /** What the market said before that is stale. A day by default, for the bazaar sleeps at night. */
  CATALOG_RATE_STALE_MINUTES: z.coerce.number().int().min(1).max(10_080).default(1_440),
  /** A source farther from the median than this, in hundredths of a percent, is an outlier. */
  CATALOG_RATE_SPREAD_BASIS_POINTS: z.coerce.number().int().min(1).max(5_000).default(200),
  /** A rate that moved farther than this at once is not sold at until somebody sets it. */
  CATALOG_RATE_JUMP_BASIS_POINTS: z.coerce.number().int().min(1).max(10_000).default(1_000),
  /** A rate that moved less than this leaves prices alone, so that they do not flicker. */
  CATALOG_RATE_STILL_BASIS_POINTS: z.coerce.number().int().min(0).max(1_000).default(30),
  /** What a seller may ask for a unit, whatever it is. */
  CATALOG_SELLER_PRICE_MIN_RIAL: z.coerce.number().int().min(10_000).default(50_000),
  CATALOG_SELLER_PRICE_MAX_RIAL: z.coerce.number().int().min(10_000).default(1_000_000_000),
  /** And of what its face value is worth by today's rate, in hundredths of a percent. */
  CATALOG_SELLER_PRICE_LOW_BASIS_POINTS: z.coerce.number().int().min(0).max(10_000).default(7_000),
  CATALOG_SELLER_PRICE_HIGH_BASIS_POINTS: z.coerce.number().int().min(10_000).max(100_000).default(20_000),
  CATALOG_DEMO_DOLLAR_RIAL: z.coerce.number().int().min(10_000).default(1_215_000),
});
export type CatalogConfig = z.infer<typeof CatalogConfig>;
