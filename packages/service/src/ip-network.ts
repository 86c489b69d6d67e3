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
