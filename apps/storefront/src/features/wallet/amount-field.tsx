'use client';

import { useId } from 'react';
import { formatToman } from '@kelid/persian/toman';
import type { Language } from '../../lib/language.ts';
import { parseToman } from './amount.ts';

/** Amounts are typed in Toman; what was understood is shown beneath, with separators. */
export function AmountField({
  label,
  value,
  onChange,
  error,
  language,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  error: string;
  language: Language;
}) {
  const hintId = useId();
  const amountRial = parseToman(value);
  return (
    <div className="field">
      <label>
        {label}
        <input
          name="amount"
          dir="ltr"
          inputMode="numeric"
          autoComplete="off"
          maxLength={20}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          aria-invalid={error !== ''}
          aria-describedby={hintId}
        />
      </label>
      <small id={hintId} className={error ? 'bad' : 'soft'} role={error ? 'alert' : undefined}>
        {error || (amountRial === undefined ? ' ' : formatToman(amountRial, language))}
      </small>
    </div>
  );
}
