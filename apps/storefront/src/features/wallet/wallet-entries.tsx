'use client';

import { formatDateTime } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import { type Language, pathIn } from '../../lib/language.ts';
import { shop } from '../../lib/shop.ts';
import type { Messages } from '../../messages/fa.ts';
import { ListOf } from './list-card.tsx';
import { useList } from './use-list.ts';

export function WalletEntries({ language, m }: { language: Language; m: Messages['wallet'] }) {
  const entries = useList(shop.payments.listWalletEntries);
  return (
    <section className="card stack" aria-busy={entries.isBusy}>
      <h2>{m.entries}</h2>
      <ListOf list={entries} m={m} empty={m.noEntries}>
        {(entry) => (
          <>
            <span>
              {(m.kinds as Record<string, string>)[entry.kind] ?? m.kinds.other}
              <small className="soft">
                {formatDateTime(entry.at, language)}
                {entry.orderId && (
                  <>
                    {' · '}
                    <a href={pathIn(language, `/orders/${entry.orderId}`)}>{m.toOrder}</a>
                  </>
                )}
              </small>
            </span>
            <strong className={entry.amountRial > 0 ? 'came' : undefined}>
              {entry.amountRial > 0 ? '+' : '−'} {formatToman(Math.abs(entry.amountRial), language)}
            </strong>
          </>
        )}
      </ListOf>
    </section>
  );
}
