import { expect, test } from 'vitest';
import { en } from '../messages/en.ts';
import { fa } from '../messages/fa.ts';
import { saysInstead } from './to-bank.ts';

const banks = [
  { psp: 'sep', title: { fa: 'بانک سامان', en: 'Saman' } },
  { psp: 'zibal', title: { fa: 'زیبال', en: 'Zibal' } },
];
const payment = { psp: 'zibal' as const, redirectUrl: 'https://gateway.zibal.ir/start/1', redirectFields: null };

test('PA-2: whoever is taken to another bank than they chose reads which one, in their language', () => {
  expect(saysInstead(payment, 'sep', banks, 'fa', fa.banks)).toBe(
    'بانک سامان جواب نداد. شما را به زیبال می‌بریم؛ مبلغ همان است.',
  );
  expect(saysInstead(payment, 'sep', banks, 'en', en.banks)).toBe(
    'Saman did not answer. We are taking you to Zibal; the amount is the same.',
  );
  // A bank that was not in the list when it was fetched is said too.
  expect(saysInstead(payment, 'sep', [], 'fa', fa.banks)).toContain('بانکی دیگر');
});

test('PA-2: at the chosen bank, and where the wallet paid all, nothing is said', () => {
  expect(saysInstead(payment, 'zibal', banks, 'fa', fa.banks)).toBeUndefined();
  expect(saysInstead({ ...payment, psp: 'wallet', redirectUrl: null }, 'sep', banks, 'fa', fa.banks)).toBeUndefined();
});
