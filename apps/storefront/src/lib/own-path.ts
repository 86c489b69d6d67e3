/** A path of this shop from an untrusted address, or the fallback: never another origin, however it is spelt (A91). */
export function ownPath(value: string | string[] | undefined, fallback: string): string {
  if (typeof value !== 'string' || !/^\/(?![/\\])/.test(value) || /[\\\p{Cc}]/u.test(value)) return fallback;
  const url = new URL(value, 'https://shop.invalid');
  return url.origin === 'https://shop.invalid' ? `${url.pathname}${url.search}` : fallback;
}
