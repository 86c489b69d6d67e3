import { expect, test } from 'vitest';
import { addressRanges, ipPrefix, lineOf, visitorAddress } from './ip-network.ts';

test.each([
  ['198.51.100.7', '198.51.100.7', '198.51.100.0/24'],
  ['::ffff:198.51.100.7', '198.51.100.7', '198.51.100.0/24'],
  ['2001:db8:9::1', '2001:db8:9:0::/64', '2001:db8:9:0::/64'],
  ['2001:0DB8:0009:0000:0000:0000:0000:0002', '2001:db8:9:0::/64', '2001:db8:9:0::/64'],
  ['2001:db8:9:0:ffff::3', '2001:db8:9:0::/64', '2001:db8:9:0::/64'],
  ['2001:db8::', '2001:db8:0:0::/64', '2001:db8:0:0::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64', '0:0:0:0::/64'],
])('%s is counted as %s and shown as %s', (ip, line, prefix) => {
  expect([lineOf(ip), ipPrefix(ip)]).toEqual([line, prefix]);
});

test('PL-8: a proxy of ours is believed by address or range, and of its list only what our own proxies wrote', () => {
  const isTrusted = addressRanges(['10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::1']);
  for (const [peer, forwarded, visitor] of [
    ['203.0.113.9', '6.6.6.6', '203.0.113.9'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '6.6.6.6, 198.51.100.7', '198.51.100.7'],
    ['::ffff:10.1.2.3', '6.6.6.6, 198.51.100.7, 10.9.9.9, fd00::7', '198.51.100.7'],
    ['::1', '2001:db8::5', '2001:db8::5'],
    ['127.0.0.1', 'unknown', '127.0.0.1'],
    ['127.0.0.1', '198.51.100.7, nonsense', '127.0.0.1'],
    ['127.0.0.1', '10.0.0.1', '10.0.0.1'],
    ['127.0.0.2', '198.51.100.7', '127.0.0.2'],
    ['', '198.51.100.7', ''],
  ] as const)
    expect(visitorAddress(peer, forwarded, isTrusted), `${peer} ${forwarded}`).toBe(visitor);
  for (const wrong of ['10.0.0.0/33', '10.0.0', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/x', 'proxy.internal'])
    expect(() => addressRanges([wrong])).toThrow(wrong);
});
