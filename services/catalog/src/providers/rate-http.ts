import type { Logger } from '@kelid/service/log';
import { createOutsideHttp, parseJson } from '@kelid/service/outside-http';

export interface RateHttp {
  /** The parsed JSON of an answer with status 200; undefined for anything else. */
  get(path: string, signal?: AbortSignal): Promise<unknown>;
}

/** The way out to one source of rates. Its address is kept out of the log, for it may carry a key. */
export function createRateHttp(options: { source: string; baseUrl: string; log: Logger }): RateHttp {
  const { source, baseUrl, log } = options;
  const http = createOutsideHttp({
    name: `rate source ${source}`,
    baseUrl,
    inFlightMax: 2,
    whenFull: 'wait',
    answerBytesMax: 512 * 1024,
  });
  // One of the sources turns away whoever does not look like a browser.
  const headers = { 'user-agent': 'Mozilla/5.0 (compatible; Kelid)' };
  return {
    async get(path, signal) {
      const outcome = await http.send({ method: 'GET', path, headers, timeoutMs: 8_000, signal });
      const isAnswer = typeof outcome !== 'string';
      if (isAnswer && outcome.status !== 200) {
        log.warn({ source, status: outcome.status }, 'a source of rates refused');
        return undefined;
      }
      const body = isAnswer ? parseJson(outcome.text) : undefined;
      if (body === undefined)
        log.warn(
          { source, reason: isAnswer ? 'no JSON' : outcome },
          'a source of rates gave no answer that can be read',
        );
      return body;
    },
  };
}
