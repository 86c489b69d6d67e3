import type { StartedAttempt } from '@kelid/contracts/payments';
import type { Messages } from '../messages/fa.ts';
import { fill, type Language } from './language.ts';

export type Payment = Pick<StartedAttempt, 'psp' | 'redirectUrl' | 'redirectFields'>;

export interface Bank {
  psp: string;
  title: { fa: string; en: string };
}

/** What is said on the way to another bank than the chosen one, which did not begin; undefined on the way to that one, or to none. */
export function saysInstead(
  payment: Payment,
  chosen: string,
  banks: Bank[],
  language: Language,
  m: Messages['banks'],
): string | undefined {
  if (payment.redirectUrl === null || payment.psp === undefined || payment.psp === chosen) return undefined;
  const titleOf = (psp: string | undefined) => banks.find((bank) => bank.psp === psp)?.title[language];
  return fill(m.instead, { chosen: titleOf(chosen) ?? m.chosenBank, other: titleOf(payment.psp) ?? m.otherBank });
}

/** Leaves for the bank, by a form where the bank wants one; for `elsewhere` where the wallet has paid all. */
export function goToBank({ redirectUrl, redirectFields }: Payment, elsewhere: string): void {
  if (redirectUrl === null || !redirectFields) {
    location.assign(redirectUrl ?? elsewhere);
    return;
  }
  const form = document.createElement('form');
  form.method = 'post';
  form.action = redirectUrl;
  for (const [name, value] of Object.entries(redirectFields)) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}
