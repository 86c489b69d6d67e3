import { BlockList, isIP } from 'node:net';

/** What one customer's line is counted as: an IPv4 address, or the /64 of IPv6 however its address is written. */
export function lineOf(ip: string): string {
  return ipv4Of(ip) ?? network64Of(ip);
}

/** What may be stored and shown of where somebody was: /24 of IPv4, /64 of IPv6. */
export function ipPrefix(ip: string): string {
  const v4 = ipv4Of(ip);
  return v4 === undefined ? network64Of(ip) : `${v4.slice(0, v4.lastIndexOf('.'))}.0/24`;
}

function ipv4Of(ip: string): string | undefined {
  return /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
}

function network64Of(ip: string): string {
  // `::` stands for as many zero groups as are missing; only the first four groups count here.
  const [head = '', tail] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4);
  return `${groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

export type IsTrusted = (address: string) => boolean;

/** Reads `10.0.0.0/8`, `::1` and the like into a question; throws for what is neither an address nor a range. */
export function addressRanges(texts: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits, more] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const isRange = bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv6' ? 128 : 32);
    if (isIP(address) === 0 || more !== undefined || (bits !== undefined && !isRange))
      throw new Error(`${text} is no address and no range`);
    if (isRange) list.addSubnet(address, Number(bits), family);
    else list.addAddress(address, family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Who is at the other end. X-Forwarded-For is read from its end, for each proxy writes there whom it saw: as long as the one that wrote is
 * ours. What stands before that may have been made up by anybody.
 */
export function visitorAddress(peer: string, forwardedFor: string | undefined, isTrusted: IsTrusted): string {
  let address = peer;
  const written = forwardedFor?.split(',') ?? [];
  while (isTrusted(address)) {
    const before = written.pop()?.trim() ?? '';
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}
