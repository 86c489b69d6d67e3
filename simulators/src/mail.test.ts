import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestSimulators, type TestSimulators } from './test-simulators.ts';

let simulators: TestSimulators;
beforeAll(async () => {
  simulators = await startTestSimulators();
});
afterAll(() => simulators.close());

test('NT-2: a Persian mail sent by SMTP appears for each of its receivers, text and HTML, newest first', async () => {
  const transport = createTransport({ host: '127.0.0.1', port: simulators.smtpPort });
  const mail = { from: 'shop@kelid.example', to: 'sara@example.com, Ali@example.com', subject: 'رسید سفارش KL-140508' };
  await transport.sendMail({ ...mail, text: 'مبلغ ۲۵۰٬۰۰۰ تومان', html: '<p dir="rtl">مبلغ ۲۵۰٬۰۰۰ تومان</p>' });
  await transport.sendMail({ ...mail, to: 'sara@example.com', text: 'کلید شما آماده است' });

  expect(await simulators.list('/mail?to=sara@example.com')).toEqual([
    expect.objectContaining({ to: 'sara@example.com', text: expect.stringContaining('کلید شما آماده است') }),
    expect.objectContaining({
      subject: 'رسید سفارش KL-140508',
      text: expect.stringContaining('مبلغ ۲۵۰٬۰۰۰ تومان'),
      html: expect.stringContaining('<p dir="rtl">مبلغ ۲۵۰٬۰۰۰ تومان</p>'),
    }),
  ]);
  expect(await simulators.list('/mail?to=ali@example.com')).toHaveLength(1);
  expect(await simulators.list('/mail')).toHaveLength(3);
});
