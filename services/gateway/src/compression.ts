import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);
const compressFromBytes = 1024;

export type Encoding = 'br' | 'gzip' | 'identity';

/** What is sent once costs its own time; what is kept is worth more of it. */
export const effortOnce = { brotli: 4, gzip: 5 };
export const effortKept = { brotli: 6, gzip: constants.Z_DEFAULT_COMPRESSION };

/** The best that a caller takes. */
export function encodingOf(request: FastifyRequest): Encoding {
  const accepted = request.headers['accept-encoding'];
  if (accepted === undefined) return 'identity';
  const text = String(accepted);
  return text.includes('br') ? 'br' : text.includes('gzip') ? 'gzip' : 'identity';
}

/** Undefined for a body that is better sent as it is. */
export function compress(body: Buffer, encoding: Encoding, effort: typeof effortOnce): Promise<Buffer> | undefined {
  if (encoding === 'identity' || body.length < compressFromBytes) return undefined;
  return encoding === 'br'
    ? brotliAsync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: effort.brotli } })
    : gzipAsync(body, { level: effort.gzip });
}
