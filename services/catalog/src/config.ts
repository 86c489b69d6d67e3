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
  CATALOG_DEMO_DOLLAR_RIAL: z.coerce.number().int().min(10_000).default(1_215_000),
});
export type CatalogConfig = z.infer<typeof CatalogConfig>;
