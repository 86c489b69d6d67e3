import { expect, test } from 'vitest';
import { optionsOf } from './config.ts';

test('H60: an empty setting of the simulators is an absent one', () => {
  const names = ['HOST', 'SIMULATORS_PORT', 'SIMULATORS_SMTP_PORT', 'KINGUIN_WEBHOOK_URL', 'STRIPE_WEBHOOK_URL'];
  const left = optionsOf({});
  expect(left).toEqual({ port: 4000, smtpPort: 1025, host: '127.0.0.1' });
  for (const nothing of ['', ' '])
    expect(optionsOf(Object.fromEntries(names.map((name) => [name, nothing])))).toEqual(left);
});
