import { identityContract } from '@kelid/contracts/identity';
import { expect, test } from 'vitest';
import { deviceOf } from './session-cookies.ts';

test('AU-1: a device cookie that the API would refuse is replaced, so that it keeps nobody from signing in; a good one stays', () => {
  const isTaken = (device: string) =>
    identityContract.operations.requestOtp.input.safeParse({ phone: '09121234567', device }).success;
  for (const bad of [
    undefined,
    '',
    'short',
    'x'.repeat(15),
    'x'.repeat(65),
    'کلید'.repeat(8),
    'a b'.repeat(8),
    '"'.repeat(20),
  ]) {
    const device = deviceOf(bad);
    expect(isTaken(device)).toBe(true);
    expect(device).not.toBe(bad);
    expect(deviceOf(bad)).not.toBe(device);
  }
  const good = deviceOf(undefined);
  for (const kept of [good, 'x'.repeat(16), 'x'.repeat(64)]) expect(deviceOf(kept)).toBe(kept);
});
