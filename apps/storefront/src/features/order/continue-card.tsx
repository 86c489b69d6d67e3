'use client';

import { useEffect, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { type Language, pathIn } from '../../lib/language.ts';

/** The last order that still waits for its payment: shoppers who left the bank's page find their way back here. */
export function ContinueCard({ language, m }: { language: Language; m: { title: string; go: string } }) {
  const [order, setOrder] = useState<ValueOf<typeof shop.orders.listOrders>['items'][number]>();
  useEffect(() => {
    void shop.orders
      .listOrders({ status: 'pending_payment', limit: 1, language })
      .then((answer) => answer.ok && setOrder(answer.value.items[0]));
  }, [language]);
  if (!order) return null;
  return (
    <aside className="card row between continue" aria-label={m.title}>
      <span>
        <strong>{m.title}</strong>
        <span className="soft small">
          {order.lines.map((line) => line.title).join(language === 'fa' ? '، ' : ', ')} ·{' '}
          {formatToman(order.totalRial, language)}
        </span>
      </span>
      <a className="button main" href={pathIn(language, `/orders/${order.id}`)}>
        {m.go}
      </a>
    </aside>
  );
}
