'use client';

import { useEffect, useState } from 'react';
import { formatDateTime } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { digits, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

type Page = ValueOf<typeof shop.orders.listOrders>;

export function OrdersPage({
  language,
  m,
  more,
  walletLabel,
  signOutLabel,
}: {
  language: Language;
  m: Messages['order'];
  more: string;
  walletLabel: string;
  signOutLabel: string;
}) {
  const [page, setPage] = useState<Page>();

  async function load(cursor?: string) {
    const answer = await shop.orders.listOrders({ language, ...(cursor === undefined ? {} : { cursor }) });
    if (answer.ok)
      setPage((before) => ({
        items: [...(before?.items ?? []), ...answer.value.items],
        nextCursor: answer.value.nextCursor,
      }));
    else if (answer.status === 401)
      location.assign(pathIn(language, `/sign-in?next=${encodeURIComponent(pathIn(language, '/orders'))}`));
  }
  useEffect(() => {
    setPage(undefined);
    void load();
  }, [language]);

  async function signOut() {
    await shop.identity.logout({});
    location.assign(pathIn(language, '/'));
  }

  return (
    <div className="stack">
      <div className="row between">
        <h1>{m.list}</h1>
        <span className="row">
          <a className="button" href={pathIn(language, '/wallet')}>
            {walletLabel}
          </a>
          <button type="button" className="button plain" onClick={() => void signOut()}>
            {signOutLabel}
          </button>
        </span>
      </div>
      {!page && (
        <div className="skeleton" role="status">
          <span className="hidden-text">{m.loading}</span>
        </div>
      )}
      {page?.items.length === 0 && <p className="card result">{m.none}</p>}
      {page?.items.map((order) => (
        <a
          key={order.id}
          className="card row between"
          style={{ textDecoration: 'none' }}
          href={pathIn(language, `/orders/${order.id}`)}
        >
          <span className="stack" style={{ gap: '.2rem' }}>
            <strong>
              {order.lines.map((line) => `${line.title} × ${digits(line.quantity, language)}`).join('، ')}
            </strong>
            <span className="soft small">
              <bdi dir="ltr">{order.orderNumber}</bdi> · {formatDateTime(order.placedAt, language)}
            </span>
          </span>
          <span className="row">
            <span
              className={`badge ${order.status === 'fulfilled' ? 'good' : order.status === 'pending_payment' ? 'gold' : ''}`}
            >
              {m.statuses[order.status]}
            </span>
            <strong>{formatToman(order.totalRial, language)}</strong>
          </span>
        </a>
      ))}
      {page?.nextCursor && (
        <button type="button" className="button" onClick={() => void load(page.nextCursor ?? undefined)}>
          {more}
        </button>
      )}
    </div>
  );
}
