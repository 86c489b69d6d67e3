import type { Sms } from './kavenegar.ts';
import type { Mail } from './mail.ts';
import type { BankAttempt } from './bank-attempt.ts';
import type { SupplierReport } from './suppliers/supplier-report.ts';

const style = `
:root { color-scheme: light dark; --ground: #f3f5f9; --card: #ffffff; --ink: #16202e; --soft: #5b6778; --line: #dfe5ee; --accent: #0f6fde; --good: #0b7a45; --bad: #b3261e; --warn: #fff3d6; --warn-ink: #6b4a00; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e141d; --card: #172130; --ink: #e8eef7; --soft: #9aa8bb; --line: #29374b; --accent: #6db0ff; --good: #4fd39a; --bad: #ff8f86; --warn: #3a2f12; --warn-ink: #ffdf94; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.8 Vazirmatn, 'Segoe UI', Tahoma, sans-serif; }
main { max-width: 26rem; margin: 0 auto; padding: 1rem; display: grid; gap: 1rem; }
main.wide { max-width: 60rem; }
.strip { background: var(--warn); color: var(--warn-ink); text-align: center; padding: .4rem 1rem; font-size: .9rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 1.1rem; padding: 1.2rem; }
h1 { font-size: 1.2rem; margin: 0; } h2 { font-size: 1rem; margin: 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: .8rem 0 0; } dt { color: var(--soft); } dd { margin: 0; text-align: end; overflow-wrap: anywhere; }
.amount { font-size: 1.5rem; font-weight: 700; }
label { display: grid; gap: .2rem; color: var(--soft); font-size: .9rem; margin-top: .7rem; }
input { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: .7rem; padding: .6rem .8rem; width: 100%; direction: ltr; text-align: center; letter-spacing: .08em; }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
.buttons { display: grid; gap: .6rem; margin-top: 1.2rem; }
button, .button { font: inherit; min-height: 3rem; border-radius: .8rem; border: 1px solid var(--line); background: var(--card); color: var(--ink); cursor: pointer; text-align: center; text-decoration: none; display: grid; place-items: center; }
button.pay { background: var(--good); border-color: var(--good); color: #fff; font-weight: 700; } @media (prefers-color-scheme: dark) { button.pay { color: #06281a; } }
button.fail { color: var(--bad); }
button:focus-visible, a:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.bubble { background: var(--ground); border-radius: 1rem 1rem 1rem .3rem; padding: .6rem .9rem; white-space: pre-line; }
.meta { color: var(--soft); font-size: .85rem; display: flex; justify-content: space-between; gap: 1rem; }
.mark { width: 2.6rem; height: 2.6rem; } header { display: flex; align-items: center; gap: .8rem; }
iframe { width: 100%; height: 26rem; border: 1px solid var(--line); border-radius: .8rem; background: #fff; }
bdi { direction: ltr; display: inline-block; }`;

/** Our own drawing: a shield with a slot for a card. */
const mark = `<svg class="mark" viewBox="0 0 48 48" aria-hidden="true"><path d="M24 3 42 10v13c0 11-7.6 18.6-18 22C13.6 41.6 6 34 6 23V10Z" fill="#0f6fde"/><rect x="13" y="17" width="22" height="14" rx="3" fill="#fff"/><path d="M13 21h22v4H13z" fill="#0a3f80"/></svg>`;

function page(title: string, body: string, options: { isWide?: boolean; refreshSeconds?: number } = {}): string {
  const refresh =
    options.refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${options.refreshSeconds}">`;
  return `<!doctype html><html lang="fa" dir="rtl"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${refresh}<title>${escape(title)}</title><style>${style}</style></head><body><div class="strip">شبیه‌ساز است؛ پول واقعی جابه‌جا نمی‌شود</div><main${options.isWide ? ' class="wide"' : ''}>${body}</main></body></html>`;
}

/** `action` is where its buttons send what the shopper has decided. */
export function bankPage(attempt: BankAttempt, action: string): string {
  return page(
    'درگاه پرداخت',
    `<header>${mark}<h1>درگاه پرداخت اینترنتی</h1></header>
    <section class="card"><div class="amount">${amountOf(attempt)}</div><dl>
      ${attempt.foreignAmount === undefined ? `<dt>به ریال</dt><dd>${persian(attempt.amountRial)} ریال</dd>` : ''}<dt>پذیرنده</dt><dd>فروشگاه کلید</dd><dt>بابت</dt><dd>${escape(attempt.description)}</dd></dl></section>
    <form class="card" method="post" action="${escape(action)}">
      <label>شماره کارت<input name="card" value="6037 9900 0000 0006" inputmode="numeric" autocomplete="off"></label>
      <div class="row"><label>CVV2<input name="cvv2" value="123" inputmode="numeric" autocomplete="off"></label><label>تاریخ انقضا<input name="expiry" value="08 / 07" autocomplete="off"></label></div>
      <label>رمز پویا<input name="pin" value="12345" inputmode="numeric" autocomplete="off"></label>
      <div class="buttons"><button class="pay" name="outcome" value="pay">پرداخت</button><button class="fail" name="outcome" value="fail">پرداخت ناموفق</button><button name="outcome" value="cancel">انصراف</button><button name="outcome" value="pay-and-close">پرداخت، بدون بازگشت به فروشگاه</button></div>
    </form>`,
  );
}

export function messagePage(title: string, text: string): string {
  return page(title, `<section class="card"><h1>${escape(title)}</h1><p>${escape(text)}</p></section>`);
}

/** Where a bank sends the browser back by a form: by itself, or by its button where no script runs. */
export function returnPage(url: string, form: Record<string, string>): string {
  const fields = Object.entries(form).map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  );
  return page(
    'بازگشت به فروشگاه',
    `<form class="card" method="post" action="${escape(url)}">${fields.join('')}<h1>به فروشگاه برمی‌گردید</h1><div class="buttons"><button class="pay">بازگشت به فروشگاه</button></div></form><script>document.forms[0].submit()</script>`,
  );
}

export function homePage(): string {
  return page(
    'شبیه‌سازها',
    `<header>${mark}<h1>شبیه‌سازهای کلید</h1></header><section class="card buttons"><a class="button" href="/inbox/sms">پیامک‌ها</a><a class="button" href="/inbox/mail">ایمیل‌ها</a><a class="button" href="/banks">پرداخت‌های بانک</a><a class="button" href="/suppliers">تأمین‌کننده‌ها</a><a class="button" href="/faults">خطاهای روشن</a></section>`,
  );
}

export function smsPage(messages: Sms[]): string {
  const list = messages.map(
    (sms) =>
      `<article class="card"><div class="meta"><bdi>${escape(sms.to)}</bdi><time>${clock(sms.at)}</time></div><div class="bubble">${escape(sms.text)}</div></article>`,
  );
  return page(
    'پیامک‌ها',
    `<header>${mark}<h1>پیامک‌ها</h1></header>${list.join('') || '<section class="card">هنوز پیامکی نیامده است.</section>'}`,
    { refreshSeconds: 3 },
  );
}

export function mailPage(mails: Mail[]): string {
  const list = mails.map(
    (mail) =>
      `<article class="card"><h2>${escape(mail.subject)}</h2><div class="meta"><bdi>${escape(mail.to)}</bdi><time>${clock(mail.at)}</time></div>${mail.html === undefined ? `<div class="bubble">${escape(mail.text)}</div>` : `<iframe sandbox title="${escape(mail.subject)}" srcdoc="${escape(mail.html)}"></iframe>`}</article>`,
  );
  return page(
    'ایمیل‌ها',
    `<header>${mark}<h1>ایمیل‌ها</h1></header>${list.join('') || '<section class="card">هنوز ایمیلی نیامده است.</section>'}`,
    { isWide: true },
  );
}

export function banksPage(attempts: BankAttempt[]): string {
  const names: Record<BankAttempt['status'], string> = {
    IN_BANK: 'در صفحه بانک',
    PAID: 'پرداخت شده، تأیید نشده',
    VERIFIED: 'تأیید شده',
    FAILED: 'ناموفق',
    REVERSED: 'برگشت خورده',
  };
  const list = attempts.map(
    (attempt) =>
      `<article class="card"><div class="meta"><strong>${amountOf(attempt)}</strong><span>${names[attempt.status]}</span></div><div class="meta"><span>${escape(attempt.description)}</span><a href="/zarinpal/pg/StartPay/${escape(attempt.authority)}">صفحه پرداخت</a></div></article>`,
  );
  return page(
    'پرداخت‌های بانک',
    `<header>${mark}<h1>پرداخت‌های بانک</h1></header>${list.join('') || '<section class="card">هنوز پرداختی نیست.</section>'}`,
    { isWide: true },
  );
}

export function suppliersPage(suppliers: { title: string; report: SupplierReport }[]): string {
  const states: Record<SupplierReport['items'][number]['units'][number]['state'], string> = {
    pending: 'در راه',
    'pre-order': 'پیش‌خرید',
    ready: 'آماده',
    returned: 'پس داده شده',
    refunded: 'پولش برگشته',
    cancelled: 'لغو شده',
  };
  const sections = suppliers.map(({ title, report }) => {
    const orders = report.items.slice(0, 30).map((order) => {
      const units = order.units.map(
        (unit) =>
          `<dt>${states[unit.state]}</dt><dd>${unit.state === 'ready' ? (unit.kind === 'image' ? `<img src="data:image/png;base64,${escape(unit.code)}" alt="" style="max-width:100%">` : `<bdi>${escape(unit.code)}</bdi>`) : '—'}</dd>`,
      );
      return `<article class="card"><div class="meta"><strong><bdi>${escape(order.name)}</bdi></strong><span>${persian(order.quantity)} عدد</span></div><div class="meta"><bdi>${escape(order.reference ?? 'بدون شناسه ما')}</bdi><bdi>${euro(order.chargedCents)}</bdi></div><div class="meta"><bdi>${escape(order.orderId)}</bdi><time>${clock(order.orderedAt)}</time></div><dl>${units.join('')}</dl></article>`;
    });
    return `<section class="card"><h2>${escape(title)}</h2><div class="amount"><bdi>${euro(report.balanceCents)}</bdi></div></section>${orders.join('') || '<section class="card">هنوز سفارشی نیامده است.</section>'}`;
  });
  return page('تأمین‌کننده‌ها', `<header>${mark}<h1>تأمین‌کننده‌ها</h1></header>${sections.join('')}`, {
    isWide: true,
    refreshSeconds: 3,
  });
}

function euro(cents: number): string {
  return `${(cents / 100).toLocaleString('en-GB', { minimumFractionDigits: 2 })} €`;
}

function amountOf({ amountRial, foreignAmount }: BankAttempt): string {
  return foreignAmount === undefined
    ? `${persian(Math.floor(amountRial / 10))} تومان`
    : `<bdi>${escape(foreignAmount)}</bdi>`;
}

function persian(value: number): string {
  return value.toLocaleString('fa-IR');
}

function clock(at: string): string {
  return new Date(at).toLocaleTimeString('fa-IR', { timeZone: 'Asia/Tehran', hour12: false });
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
