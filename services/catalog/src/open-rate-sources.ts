import type { Logger } from '@kelid/service/log';
import type { CatalogConfig } from './config.ts';
import { createBrsApi } from './providers/brsapi.ts';
import { createNavasan } from './providers/navasan.ts';
import { createNobitex } from './providers/nobitex.ts';
import type { RateSource } from './providers/rate-source.ts';

/** The sources that this shop reads. With none, rates are set by hand only. */
export function openRateSources(config: CatalogConfig, log: Logger): readonly RateSource[] {
  const sources = [
    config.CATALOG_RATE_NAVASAN_KEY === undefined
      ? undefined
      : createNavasan({ baseUrl: config.CATALOG_RATE_NAVASAN_URL, apiKey: config.CATALOG_RATE_NAVASAN_KEY, log }),
    config.CATALOG_RATE_BRSAPI_KEY === undefined
      ? undefined
      : createBrsApi({ baseUrl: config.CATALOG_RATE_BRSAPI_URL, apiKey: config.CATALOG_RATE_BRSAPI_KEY, log }),
    config.CATALOG_RATE_NOBITEX_URL === undefined
      ? undefined
      : createNobitex({ baseUrl: config.CATALOG_RATE_NOBITEX_URL, log }),
  ];
  return sources.filter((source) => source !== undefined);
}
