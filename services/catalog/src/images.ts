import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { imageRefused } from '@kelid/contracts/catalog';
import type { ObjectStore } from './storage/object-store.ts';

const widths = { small: 320, medium: 640, large: 1280 };
const pixelsMax = 25_000_000;

/** Stores a picture in three widths, drawn anew: what a file hides (EXIF, a second format) does not survive. */
export async function storeImage(
  store: ObjectStore,
  bytes: Buffer,
  allowed: readonly string[],
): Promise<{ small: string; medium: string; large: string }> {
  if (bytes.length === 0) throw imageRefused('The file is empty');
  const source = sharp(bytes, { limitInputPixels: pixelsMax, failOn: 'error' });
  const metadata = await source.metadata().catch(() => undefined);
  if (!metadata || !allowed.includes(metadata.format))
    throw imageRefused('Send a JPEG, PNG or WebP of at most 25 megapixels');
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 24);
  const storeWidth = async (width: number) => {
    const key = `public-${name}-${width}.webp`;
    const image = await source
      .clone()
      .rotate()
      .resize({ width, withoutEnlargement: metadata.format !== 'svg' })
      .webp({ quality: 82 })
      .toBuffer()
      .catch(() => {
        throw imageRefused('This file does not open as a picture');
      });
    await store.put(key, image, 'image/webp');
    return key;
  };
  return {
    small: await storeWidth(widths.small),
    medium: await storeWidth(widths.medium),
    large: await storeWidth(widths.large),
  };
}
