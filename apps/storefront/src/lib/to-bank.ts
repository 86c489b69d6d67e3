import type { StartedAttempt } from '@kelid/contracts/payments';

export type Payment = Pick<StartedAttempt, 'redirectUrl' | 'redirectFields'>;

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
