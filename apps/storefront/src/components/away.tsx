import type { ReactNode } from 'react';
import { digits, fill, type Language, messagesOf } from '../lib/language.ts';
import { type Refusal, refusalOf, tellRefusal } from '../lib/visit.ts';

/** A page, or in its place the word that the shop is away or that too much was asked: with its status, and without any script. */
export async function orAway(language: Language, page: () => Promise<ReactNode>): Promise<ReactNode> {
  try {
    return await page();
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    tellRefusal(refusal);
    return <Away language={language} refusal={refusal} />;
  }
}

function Away({ language, refusal }: { language: Language; refusal: Refusal }) {
  const m = messagesOf(language).errors;
  const isBusy = refusal.status === 429;
  return (
    <section className="card result">
      <h1>{isBusy ? m.busy : m.away}</h1>
      <p className="soft">
        {isBusy ? fill(m.busyText, { seconds: digits(refusal.retryAfterSeconds, language) }) : m.awayText}
      </p>
      <a className="button main" href="">
        {m.retry}
      </a>
    </section>
  );
}

/** What a page's title is made of; nothing when it was refused, which the page itself then says. */
export async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (refusalOf(error)) return undefined;
    throw error;
  }
}
