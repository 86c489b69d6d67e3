import { mediaNotFound } from '@kelid/contracts/catalog';
import type { Operations } from '../context.ts';
import { isLinkValid } from '../domain/signed-link.ts';

/** A private file, a missing one and an expired link are the same answer. */
export const getMedia: Operations['getMedia'] = async (ctx, { mediaKey, expires, signature }) => {
  const isPublic = mediaKey.startsWith('public-');
  const isAllowed =
    isPublic ||
    (expires !== undefined &&
      signature !== undefined &&
      isLinkValid(ctx.config.CATALOG_MEDIA_SECRET, mediaKey, expires, signature, ctx.now().getTime()));
  const file = isAllowed ? await ctx.store.get(mediaKey) : undefined;
  if (!file) throw mediaNotFound();
  return { contentType: file.contentType, contentBase64: file.bytes.toString('base64'), isPublic };
};
