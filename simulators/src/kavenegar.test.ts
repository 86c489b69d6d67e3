import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestSimulators, type TestSimulators } from './test-simulators.ts';

let provider: TestSimulators;
beforeAll(async () => {
  provider = await startTestSimulators();
});
afterAll(() => provider.close());

const lookup = (params: Record<string, string>) =>
  provider.callSms('verify/lookup', { receptor: '09120000000', template: 'kelid-otp', token: '48213', ...params });

test('NT-1: a code sent by template is answered as the provider does and lies in the inbox of its phone, however the number is written', async () => {
  for (const [index, receptor] of ['09121112233', '9121112233', '+989121112233', '00989121112233'].entries()) {
    const answer = await lookup({ receptor, token: `1000${index}` });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      return: { status: 200, message: expect.any(String) },
      entries: [
        {
          messageid: expect.any(Number),
          message: expect.stringContaining(`1000${index}`),
          status: 5,
          statustext: expect.any(String),
          sender: '10000000',
          receptor: '09121112233',
          date: expect.any(Number),
          cost: 120,
        },
      ],
    });
  }
  const inbox = await provider.list('/sms?phone=%2B989121112233');
  expect(inbox.map((sms) => /\d{5}/.exec(sms.text)?.[0])).toEqual(['10003', '10002', '10001', '10000']);
  expect(inbox[0]).toMatchObject({ to: '09121112233', template: 'kelid-otp' });
  expect(await provider.list('/sms?phone=09129999999')).toEqual([]);
});

test.each([
  ['a number that is no mobile', { receptor: '02188887777' }, 411],
  ['an unknown template', { template: 'nobody-approved-it' }, 424],
  ['no token', { token: '' }, 406],
  ['a space in the token', { token: '48 213' }, 431],
  ['an underscore in the token', { token: '48_213' }, 431],
  ['a token the template has no place for', { token2: '7' }, 432],
  ['a token missing', { template: 'kelid-receipt' }, 432],
])('NT-1: a template message with %s is refused and not sent', async (_what, params, status) => {
  const receptor = '09123334455';
  const answer = await lookup({ receptor, ...params });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ return: { status, message: expect.any(String) }, entries: null });
  expect(await provider.list(`/sms?phone=${receptor}`)).toEqual([]);
});

test('a wrong key and an unknown method are refused', async () => {
  expect((await provider.callSms('account/info', {}, 'short')).status).toBe(403);
  expect((await provider.callSms('sms/sing', {})).status).toBe(404);
});

test('a free text with the localid of an earlier one answers with the earlier and is not sent again', async () => {
  const send = async () =>
    (await provider.callSms('sms/send', { receptor: '09125556677', message: 'سلام', localid: '77' })).json();
  const first: unknown = await send();
  expect(await send()).toEqual(first);
  expect(await provider.list('/sms?phone=09125556677')).toHaveLength(1);
});

test('the inbox of all phones shows the newest first, also of one moment', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 });
  try {
    await lookup({ token: '20001' });
    await lookup({ token: '20002' });
  } finally {
    vi.useRealTimers();
  }
  const newest = (await provider.list('/sms')).slice(0, 2);
  expect(newest.map((sms) => /\d{5}/.exec(sms.text)?.[0])).toEqual(['20002', '20001']);
});
