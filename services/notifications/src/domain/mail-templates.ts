import { formatToman } from '@kelid/persian/toman';
import { toPersianDigits } from '@kelid/persian/digits';
import { z } from 'zod';

export interface MailContent {
  subject: string;
  text: string;
  html: string;
}

const OrderParams = z.object({
  orderId: z.string(),
  orderNumber: z.string(),
  totalRial: z.int(),
  lines: z.array(z.object({ title: z.string(), quantity: z.int(), unitPriceRial: z.int() })),
});

/** Product keys are never in a mail: it leads to the order page, where showing one is recorded. */
export function renderMail(template: string, params: unknown, shopUrl: string): MailContent {
  const order = OrderParams.parse(params);
  const link = `${shopUrl}/orders/${order.orderId}`;
  const rows = order.lines.map((line) => ({
    name: `${line.title} × ${toPersianDigits(line.quantity)}`,
    price: formatToman(line.unitPriceRial * line.quantity, 'fa'),
  }));
  const words =
    template === 'receipt'
      ? {
          subject: `رسید سفارش ${order.orderNumber}`,
          lead: 'پرداخت شما انجام شد. کدها همین حالا آماده می‌شوند.',
          button: 'دیدن سفارش',
        }
      : {
          subject: `سفارش ${order.orderNumber} آماده است`,
          lead: 'کدهای شما آماده است. برای دیدن آن‌ها وارد صفحه سفارش شوید.',
          button: 'دیدن کدها',
        };
  const total = formatToman(order.totalRial, 'fa');
  const text = [words.lead, '', ...rows.map((row) => `${row.name}: ${row.price}`), `جمع: ${total}`, '', link].join(
    '\n',
  );
  const html = `<!doctype html><html lang="fa" dir="rtl"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(words.subject)}</title></head>
<body style="margin:0;background:#f4f2ee;font-family:Vazirmatn,Tahoma,sans-serif;color:#1d1a26;line-height:1.9">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" style="max-width:520px;background:#fff;border-radius:18px;padding:28px" cellpadding="0" cellspacing="0">
<tr><td style="font-size:22px;font-weight:700">کلید</td></tr>
<tr><td style="padding:12px 0">${escape(words.lead)}</td></tr>
${rows.map((row) => `<tr><td style="padding:6px 0;border-top:1px solid #eee">${escape(row.name)}<span style="float:left">${escape(row.price)}</span></td></tr>`).join('\n')}
<tr><td style="padding:10px 0;border-top:2px solid #1d1a26;font-weight:700">جمع<span style="float:left">${escape(total)}</span></td></tr>
<tr><td style="padding-top:18px"><a href="${escape(link)}" style="display:inline-block;background:#1d1a26;color:#fff;border-radius:12px;padding:10px 22px;text-decoration:none">${escape(words.button)}</a></td></tr>
<tr><td style="padding-top:18px;font-size:13px;color:#666">شماره سفارش: <bdi dir="ltr">${escape(order.orderNumber)}</bdi></td></tr>
</table></td></tr></table></body></html>`;
  return { subject: words.subject, text, html };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
