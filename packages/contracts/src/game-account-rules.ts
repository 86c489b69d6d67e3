import type { LocalizedText } from './common.ts';

// Without a library, since pages read it too.
interface AccountField {
  pattern: RegExp;
  /** What a shopper is told that it looks like. */
  hint: LocalizedText;
}

/** What each game's account numbers look like, so that a slip is found even while nobody can be asked. */
export const gameAccountRules = {
  'pubg-mobile': {
    playerId: {
      pattern: /^5\d{7,10}$/,
      hint: { fa: '۸ تا ۱۱ رقم که با ۵ شروع می‌شود', en: '8 to 11 digits, the first is 5' },
    },
  },
  'free-fire': {
    playerId: { pattern: /^\d{8,12}$/, hint: { fa: '۸ تا ۱۲ رقم', en: '8 to 12 digits' } },
  },
  'mobile-legends': {
    playerId: { pattern: /^\d{6,12}$/, hint: { fa: '۶ تا ۱۲ رقم', en: '6 to 12 digits' } },
    zone: { pattern: /^\d{4,5}$/, hint: { fa: '۴ یا ۵ رقم داخل پرانتز', en: 'the 4 or 5 digits in brackets' } },
  },
  'call-of-duty-mobile': {
    playerId: { pattern: /^\d{17,20}$/, hint: { fa: '۱۷ تا ۲۰ رقم', en: '17 to 20 digits' } },
  },
  'genshin-impact': {
    playerId: { pattern: /^[1-9]\d{8,9}$/, hint: { fa: '۹ یا ۱۰ رقم', en: '9 or 10 digits' } },
    zone: {
      pattern: /^os_(?:asia|usa|euro|cht)$/,
      hint: { fa: 'سرور حساب شما', en: 'the server of your account' },
    },
  },
} satisfies Record<string, { playerId: AccountField; zone?: AccountField }>;

/** The fields of an account that do not look like this game's, with what they should look like; empty when all do. */
export function gameAccountFaults(
  rule: keyof typeof gameAccountRules,
  account: { playerId: string; zone?: string | undefined },
): { field: 'playerId' | 'zone'; hint: LocalizedText }[] {
  const fields: { playerId: AccountField; zone?: AccountField } = gameAccountRules[rule];
  const faults: { field: 'playerId' | 'zone'; hint: LocalizedText }[] = [];
  if (!fields.playerId.pattern.test(account.playerId)) faults.push({ field: 'playerId', hint: fields.playerId.hint });
  if (fields.zone && !fields.zone.pattern.test(account.zone ?? ''))
    faults.push({ field: 'zone', hint: fields.zone.hint });
  return faults;
}
