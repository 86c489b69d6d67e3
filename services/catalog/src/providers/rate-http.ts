import { assertNoTransaction } from '@kelid/service/database';
import type { Logger } from '@kelid/service/log';

const timeoutMs = 8_000;
const answerBytesMax = 512 * 1024;

export interface RateHttp {
  /** The parsed JSON of an answer with status 200; undefined for anything else. */
  get(path: string): Promise<unknown>;
}

/** Calls to one source of rates: bounded in time and size. Its address is kept out of the log, for it may carry a key. */
export function createRateHttp(options: { source: string; baseUrl: string; log: Logger }): RateHttp {
  return {
    async get(path) {
      assertNoTransaction(`rate source ${options.source}`);
      try {
        const response = await fetch(`${options.baseUrl}${path}`, {
          // One of the sources turns away whoever does not look like a browser.
          headers: { accept: 'application/json', 'user-agent': 'Mozilla/5.0 (compatible; Kelid)' },
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        const text = await readText(response);
        if (response.status === 200) return JSON.parse(text) as unknown;
        options.log.warn({ source: options.source, status: response.status }, 'a source of rates refused');
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'unknown';
        options.log.warn({ source: options.source, reason }, 'a source of rates gave no answer that can be read');
      }
      return undefined;
    },
  };
}

/** Stops reading at the limit, so that no answer can fill the memory. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error('The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
