import type { FastifyInstance } from 'fastify';
import type { Faults } from './faults.ts';

// Kavenegar REST (kavenegar.com/rest.html): the key is in the path; every answer is an envelope whose `return.status` counts.

export interface Sms {
  to: string;
  text: string;
  template: string | null;
  at: string;
}

const templates: Record<string, (token: string, token2: string | undefined) => string> = {
  'kelid-otp': (code) => `کد ورود شما به کلید: ${code}\nاین کد را به کسی ندهید.\n\n@localhost #${code}`,
  'kelid-receipt': (orderNumber, amount) => `کلید: پرداخت سفارش ${orderNumber} به مبلغ ${amount} تومان انجام شد.`,
  'kelid-key-ready': (orderNumber) => `کلید: سفارش ${orderNumber} آماده است. کد را در صفحه سفارش‌هایتان ببینید.`,
  'kelid-refunded': (orderNumber, amount) =>
    `کلید: کالای سفارش ${orderNumber} فراهم نشد. ${amount} تومان به کیف پول شما برگشت.`,
  'kelid-paid-back': (orderNumber, amount) =>
    `کلید: ${amount} تومان از سفارش ${orderNumber} برگشت. جزئیات در صفحه سفارش است.`,
  'kelid-refund-refused': (orderNumber, amount) =>
    `کلید: برگشت ${amount} تومان از سفارش ${orderNumber} که گفته بودیم انجام نمی‌شود. برای دلیل آن با پشتیبانی تماس بگیرید.`,
  'kelid-surplus': (amount) => `کلید: پرداخت ${amount} تومانی شما به سفارشی نرسید و به کیف پولتان اضافه شد.`,
  'kelid-payment-review': (amount) =>
    `کلید: پرداخت ${amount} تومانی شما را با بانک بررسی می‌کنیم. لطفاً دوباره پرداخت نکنید؛ نتیجه را پیامک می‌کنیم.`,
  'kelid-payment-not-found': (amount) =>
    `کلید: پرداخت ${amount} تومانی شما به ما نرسید. اگر از حسابتان کم شده، بانک حداکثر تا ۷۲ ساعت برمی‌گرداند.`,
  'kelid-session-ended': (day) =>
    `کلید: نشانه‌ی ورود کهنه‌ای از شما در ${day} دوباره به کار رفت، برای همین آن دستگاه خارج شد. دوباره وارد شوید و فهرست دستگاه‌ها را ببینید.`,
};
const templatesWithTwo = new Set(['kelid-receipt', 'kelid-refunded', 'kelid-paid-back', 'kelid-refund-refused']);
const inboxMax = 20_000;

export interface SmsInbox {
  list(phone: string | undefined): Sms[];
  register(server: FastifyInstance): void;
}

export function createKavenegar(faults: Faults): SmsInbox {
  const byPhone = new Map<string, Sms[]>();
  const byLocalId = new Map<string, Record<string, unknown>>();
  let count = 0;
  let nextId = 900_000_000;

  function keep(sms: Sms): void {
    const inbox = byPhone.get(sms.to) ?? [];
    inbox.unshift(sms);
    byPhone.set(sms.to, inbox.slice(0, 50));
    count += 1;
    if (count > inboxMax) {
      const [oldest] = byPhone.keys();
      if (oldest !== undefined) byPhone.delete(oldest);
      count = [...byPhone.values()].reduce((sum, list) => sum + list.length, 0);
    }
  }

  async function handle(
    method: string,
    apiKey: string,
    params: Record<string, string>,
  ): Promise<{ status: number; body: unknown } | 'lost'> {
    const mode = await faults.strike('sms', ['slow', 'down', 'error']);
    if (mode === 'down') return 'lost';
    if (mode === 'error') return refusal(409, 'سرور قادر به پاسخگویی نیست');
    if (!/^[A-Za-z0-9]{8,}$/.test(apiKey)) return refusal(403, 'کد شناسایی API-Key معتبر نمی‌باشد');
    const answer = await dispatch(method, params);
    if (answer.status !== 200) return answer;
    const afterwards = await faults.strike(
      'sms',
      method === 'verify/lookup' ? ['duplicate', 'lose-answer'] : ['lose-answer'],
    );
    if (afterwards === 'duplicate') await dispatch(method, params);
    return afterwards === 'lose-answer' ? 'lost' : answer;
  }

  async function dispatch(method: string, params: Record<string, string>): Promise<{ status: number; body: unknown }> {
    switch (method) {
      case 'verify/lookup': {
        const to = normalizeReceptor(params['receptor'] ?? '');
        if (to === undefined) return refusal(411, 'دریافت کننده نامعتبر است');
        const name = params['template'] ?? '';
        const template = templates[name];
        if (!template) return refusal(424, 'الگوی مورد نظر پیدا نشد');
        const token = params['token'];
        const token2 = params['token2'];
        if (!token) return refusal(406, 'پارامترهای اجباری خالی ارسال شده اند');
        if ([token, token2].some((value) => value !== undefined && (/[\s_]/.test(value) || value.length > 100)))
          return refusal(431, 'ساختار کد صحیح نمی‌باشد');
        if (templatesWithTwo.has(name) !== (token2 !== undefined))
          return refusal(432, 'پارامتر کد در متن پیام پیدا نشد');
        const text = template(token, token2);
        keep({ to, text, template: name, at: new Date().toISOString() });
        return accepted([entry(to, text)]);
      }
      case 'sms/send': {
        const receptors = (params['receptor'] ?? '').split(',').map(normalizeReceptor);
        const text = params['message'] ?? '';
        if (receptors.some((to) => to === undefined)) return refusal(411, 'دریافت کننده نامعتبر است');
        if (text === '' || text.length > 900) return refusal(413, 'پیام خالی است و یا طول پیام بیش از حد مجاز می‌باشد');
        const localId = params['localid'];
        const known = localId === undefined ? undefined : byLocalId.get(localId);
        if (known) return accepted([known]);
        const entries = receptors.flatMap((to) => {
          if (to === undefined) return [];
          keep({ to, text, template: null, at: new Date().toISOString() });
          return [entry(to, text)];
        });
        if (localId !== undefined && entries[0]) byLocalId.set(localId, entries[0]);
        return accepted(entries);
      }
      case 'account/info':
        return {
          status: 200,
          body: {
            return: { status: 200, message: 'تایید شد' },
            entries: { remaincredit: 1_500_000, expiredate: 1_900_000_000, type: 'Master' },
          },
        };
      default:
        return refusal(404, 'متد نامشخص است');
    }
  }

  function entry(to: string, message: string): Record<string, unknown> {
    nextId += 1;
    return {
      messageid: nextId,
      message,
      status: 5,
      statustext: 'ارسال به مخابرات',
      sender: '10000000',
      receptor: to,
      date: Math.floor(Date.now() / 1000),
      cost: 120,
    };
  }

  return {
    list(phone) {
      if (phone === undefined)
        return [...byPhone.values()]
          .flat()
          .toSorted((a, b) => b.at.localeCompare(a.at))
          .slice(0, 200);
      return byPhone.get(normalizeReceptor(phone) ?? phone) ?? [];
    },
    register(server) {
      server.route<{
        Params: { apiKey: string; scope: string; method: string };
        Querystring: Record<string, string>;
        Body: Record<string, string> | undefined;
      }>({
        method: ['GET', 'POST'],
        url: '/kavenegar/v1/:apiKey/:scope/:method',
        handler: async (request, reply) => {
          const { apiKey, scope, method } = request.params;
          const answer = await handle(`${scope}/${method.replace(/\.json$/, '')}`, apiKey, {
            ...request.query,
            ...request.body,
          });
          if (answer === 'lost') {
            reply.raw.destroy();
            return reply;
          }
          return reply.status(answer.status).send(answer.body);
        },
      });
    },
  };
}

/** 09…, 9…, +989…, 00989… are one number; anything else no receptor. */
function normalizeReceptor(text: string): string | undefined {
  const match = /^(?:\+98|0098|98|0)?(9\d{9})$/.exec(text.trim());
  return match ? `0${match[1]}` : undefined;
}

function accepted(entries: Record<string, unknown>[]) {
  return { status: 200, body: { return: { status: 200, message: 'تایید شد' }, entries } };
}

function refusal(status: number, message: string) {
  return { status, body: { return: { status, message }, entries: null } };
}
