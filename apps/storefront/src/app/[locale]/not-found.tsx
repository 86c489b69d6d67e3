import { headers } from 'next/headers';
import { messagesOf, pathIn } from '../../lib/language.ts';

export default async function NotFound() {
  const language = (await headers()).get('x-language') === 'en' ? 'en' : 'fa';
  const m = messagesOf(language);
  return (
    <section className="card result">
      <h1>{m.errors.notFound}</h1>
      <p className="soft">{m.errors.notFoundText}</p>
      <a className="button main" href={pathIn(language, '/')}>
        {m.errors.home}
      </a>
    </section>
  );
}
