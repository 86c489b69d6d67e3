'use client';

import { useEffect, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { digits, fill, type Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

type LimitsView = ValueOf<typeof shop.payments.getPaymentLimits>;

/** What one may buy in a day, and what each further step needs. Left out while it can't be fetched: nothing waits for it. */
export function Limits({ language, m }: { language: Language; m: Messages['wallet'] }) {
  const [limits, setLimits] = useState<LimitsView>();
  useEffect(() => {
    void shop.payments.getPaymentLimits({}).then((answer) => answer.ok && setLimits(answer.value));
  }, []);
  if (!limits) return null;
  const leftRial = Math.max(0, limits.dayMaxRial - limits.spentTodayRial);
  return (
    <section className="card stack" id="limits">
      <h2>{m.limits}</h2>
      <p data-testid="day-left">{fill(m.dayLeft, { amount: formatToman(leftRial, language) })}</p>
      <ol className="entries">
        {limits.steps.map(({ level, dayMaxRial }) => (
          <li key={level} aria-current={level === limits.level ? 'step' : undefined}>
            <span>
              {fill(m.level, { level: digits(level, language) })}
              <small className="soft">{m.levels[level]}</small>
            </span>
            <span className="ends">
              <strong>{fill(m.perDay, { amount: formatToman(dayMaxRial, language) })}</strong>
              {level === limits.level && <span className="badge">{m.yourLevel}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
