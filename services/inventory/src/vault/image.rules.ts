const imageBytesMax = 2 * 1024 * 1024;

/** The picture behind a base64 text, by its own first bytes; undefined for anything else. */
export function imageOf(
  base64: string,
): { contentType: 'image/png' | 'image/jpeg' | 'image/gif'; bytes: Buffer } | undefined {
  if (base64.length > imageBytesMax * 1.4) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > imageBytesMax) return undefined;
  if (bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))) return { contentType: 'image/png', bytes };
  if (bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))) return { contentType: 'image/jpeg', bytes };
  if (/^GIF8[79]a$/.test(bytes.subarray(0, 6).toString('latin1'))) return { contentType: 'image/gif', bytes };
  return undefined;
}
