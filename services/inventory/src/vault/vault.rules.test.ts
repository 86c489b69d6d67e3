import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskKey, normalizeKey, Vault, VaultError } from './vault.rules.ts';

const vault = new Vault({ kek: Buffer.alloc(32, 1), kekId: 'kek-202611', blindIndexKey: Buffer.alloc(32, 2) });
const place = { keyId: 'key-1', variantId: 'variant-1', batchId: 'batch-1' };
const { dek, wrapped } = vault.newDek('batch-1');
const sealed = vault.sealKey(dek, 'ABCD-EFGH-7QK2', place);

test('I19: what was sealed opens again, whatever it holds', () => {
  fc.assert(fc.property(fc.string(), (code) => vault.openKey(dek, vault.sealKey(dek, code, place), place) === code));
});

test('I19: the same text sealed twice, and the same data key wrapped twice, are never the same bytes', () => {
  const nonces = Array.from({ length: 100 }, () => vault.sealKey(dek, 'ABCD-EFGH-7QK2', place).toString('hex', 0, 12));
  expect(new Set(nonces).size).toBe(100);
  const wraps = [1, 2].map(() => vault.rewrapDek(wrapped, 'batch-1', 'kek-202611').toString('hex', 0, 12));
  expect(new Set([...wraps, wrapped.toString('hex', 0, 12)]).size).toBe(3);
});

test('I19: a ciphertext opens in no other row, variant or batch', () => {
  for (const field of ['keyId', 'variantId', 'batchId'] as const) {
    expect(() => vault.openKey(dek, sealed, { ...place, [field]: 'another' })).toThrow(VaultError);
  }
});

test('I19: changed by one bit or cut, with a tag of 4 bytes or none, it does not open', () => {
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => vault.openKey(dek, changed, place)).toThrow(VaultError);
  }
  const shortTag = Buffer.concat([sealed.subarray(0, 12), sealed.subarray(12, 16), sealed.subarray(28)]);
  for (const cut of [shortTag, sealed.subarray(0, 28), sealed.subarray(0, 12), Buffer.alloc(0)]) {
    expect(() => vault.openKey(dek, cut, place)).toThrow(VaultError);
  }
});

test('I19 KY-7: a data key opens only for its batch and under its master key', () => {
  expect(vault.openDek(wrapped, 'batch-1', 'kek-202611')).toEqual(dek);
  expect(() => vault.openDek(wrapped, 'batch-2', 'kek-202611')).toThrow(VaultError);
  expect(() => vault.openDek(wrapped, 'batch-1', 'kek-202511')).toThrow(VaultError);
  const other = new Vault({ kek: Buffer.alloc(32, 3), kekId: 'kek-202611', blindIndexKey: Buffer.alloc(32, 2) });
  expect(() => other.openDek(wrapped, 'batch-1', 'kek-202611')).toThrow(VaultError);
});

test('A72: an error of the vault tells nothing of what it could not open', () => {
  try {
    vault.openKey(dek, sealed, { ...place, keyId: 'another' });
    expect.unreachable();
  } catch (error) {
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/ABCD|EFGH|7QK2/);
  }
});

test('I18: spaces, dashes and case do not make another product key; another brand does', () => {
  const spellings = ['ABCD-EFGH-7QK2', ' abcd efgh 7qk2', 'abcdefgh7qk2', 'A-B-C-D-E-F-G-H-7-Q-K-2'];
  expect(new Set(spellings.map((code) => vault.blindIndex('Steam', code).toString('hex'))).size).toBe(1);
  expect(vault.blindIndex('Xbox', 'ABCD-EFGH-7QK2')).not.toEqual(vault.blindIndex('Steam', 'ABCD-EFGH-7QK2'));
  fc.assert(fc.property(fc.string(), (code) => normalizeKey(normalizeKey(code)) === normalizeKey(code)));
});

test('KY-1: a mask keeps the last four characters of a long product key and nothing of a short one', () => {
  expect(maskKey('ABCD-EFGH-7QK2')).toBe('•••• •••• 7QK2');
  expect(maskKey('AB-7QK2')).toBe('•••• ••••');
});
