/** A path of this shop from an untrusted address, or the fallback: never another origin, however it is spelt (A91). */
export function ownPath(value: string | string[] | undefined, fallback: string): string {
  if (typeof value !== 'string' || !value.startsWith('/') || /[\\\p{Cc}]/u.test(value)) return fallback;
  const shop = 'https://shop.invalid';
  const url = URL.parse(value, shop);
  // Judged as it is followed: `/.//evil.example` is `//evil.example` by then, which names another host.
  return url?.origin === shop && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : fallback;
}
