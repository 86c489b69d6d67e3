'use client';

import { usePathname } from 'next/navigation';
import { messagesOf } from '../../lib/language.ts';

export default function ErrorPage({ reset }: { reset: () => void }) {
  const m = messagesOf(usePathname().startsWith('/en') ? 'en' : 'fa');
  return (
    <section className="card result">
      <h1>{m.errors.away}</h1>
      <p className="soft">{m.errors.awayText}</p>
      <button type="button" className="button main" onClick={reset}>
        {m.errors.retry}
      </button>
    </section>
  );
}
