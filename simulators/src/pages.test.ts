import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestSimulators, type TestSimulators } from './test-simulators.ts';

let simulators: TestSimulators;
beforeAll(async () => {
  simulators = await startTestSimulators();
});
afterAll(() => simulators.close());

const attack = `"><script>alert('x')</script>&`;
const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;';

test('what the shop sends is shown on the pages as text and never becomes a part of them', async () => {
  const authority = await simulators.startPayment({ description: attack });
  await simulators.callSms('sms/send', { receptor: '09120000000', message: attack });
  const transport = createTransport({ host: '127.0.0.1', port: simulators.smtpPort });
  await transport.sendMail({ from: 'a@b.example', to: 'c@d.example', subject: attack, text: attack });
  await transport.sendMail({ from: 'a@b.example', to: 'c@d.example', subject: 'HTML', html: attack });

  for (const path of [`/zarinpal/pg/StartPay/${authority}`, '/banks', '/inbox/sms', '/inbox/mail']) {
    const page = await simulators.page(path);
    expect(page, path).toContain(escaped);
    expect(page, path).not.toContain('<script');
  }
  // The sandbox without permissions is what keeps the scripts of a mail from running.
  expect(await simulators.page('/inbox/mail')).toContain(`<iframe sandbox title="HTML" srcdoc="${escaped}`);
});

test('every page says in Persian that no real money moves, also for a payment that is not there', async () => {
  const authority = await simulators.startPayment();
  for (const path of [
    '/',
    '/banks',
    `/zarinpal/pg/StartPay/${authority}`,
    '/zarinpal/pg/StartPay/S-nobody-asked-for',
  ]) {
    const page = await simulators.page(path);
    expect(page, path).toContain('<html lang="fa" dir="rtl">');
    expect(page, path).toContain('پول واقعی جابه‌جا نمی‌شود');
  }
  expect(await simulators.page(`/zarinpal/pg/StartPay/${authority}`)).toContain('۲۵۰٬۰۰۰ تومان');
});
