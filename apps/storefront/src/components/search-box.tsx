'use client';

import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../lib/shop.ts';
import { fill, type Language, pathIn } from '../lib/language.ts';
import { Icon } from './icons.tsx';

type Suggestions = ValueOf<typeof shop.catalog.suggest>;

interface Props {
  language: Language;
  label: string;
  hint: string;
  words: { didYouMean: string; from: string; out: string; suggestions: string };
  regions: Record<string, string>;
}

const typingPauseMs = 180;

/** Search that answers while one types. Without scripts it is a plain form. */
export function SearchBox({ language, label, hint, words, regions }: Props) {
  const id = useId();
  const [text, setText] = useState('');
  const [found, setFound] = useState<Suggestions>();
  const [active, setActive] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const q = text.trim();
    setActive(-1);
    if (q.length < 2) return setFound(undefined);
    // An answer to words that have changed meanwhile must not replace the newer one.
    let isCurrent = true;
    const pause = setTimeout(() => {
      void shop.catalog.suggest({ q, language }).then((answer) => {
        if (isCurrent) setFound(answer.ok ? answer.value : undefined);
      });
    }, typingPauseMs);
    return () => {
      isCurrent = false;
      clearTimeout(pause);
    };
  }, [text, language]);

  const searchPath = (q: string) => pathIn(language, `/products?${new URLSearchParams({ q })}`);
  const count = found ? found.products.length + found.categories.length + (found.didYouMean === null ? 0 : 1) : 0;
  const isShown = isOpen && count > 0;

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape') return setOpen(false);
    if (!isShown) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setActive((at) => (event.key === 'ArrowDown' ? (at + 1) % count : at <= 0 ? count - 1 : at - 1));
    } else if (event.key === 'Enter' && active >= 0) {
      event.preventDefault();
      list.current?.querySelectorAll('a')[active]?.click();
    }
  }

  let at = -1;
  const option = () => {
    at += 1;
    return { id: `${id}-${at}`, role: 'option', tabIndex: -1, 'aria-selected': active === at };
  };
  return (
    <form
      className="search"
      role="search"
      action={pathIn(language, '/products')}
      onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}
    >
      <input
        name="q"
        type="search"
        role="combobox"
        aria-label={label}
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-activedescendant={isShown && active >= 0 ? `${id}-${active}` : undefined}
        placeholder={hint}
        maxLength={100}
        autoComplete="off"
        enterKeyHint="search"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" aria-label={label}>
        <Icon name="search" />
      </button>
      <ul
        className="suggestions"
        id={`${id}-list`}
        role="listbox"
        aria-label={words.suggestions}
        ref={list}
        hidden={!isShown}
      >
        {found?.didYouMean && (
          <li role="presentation">
            <a {...option()} href={searchPath(found.didYouMean)}>
              {fill(words.didYouMean, { q: found.didYouMean })}
            </a>
          </li>
        )}
        {found?.products.map((product) => (
          <li key={product.id} role="presentation">
            <a {...option()} href={pathIn(language, `/p/${product.slug}`)}>
              {product.image && <img src={product.image.small} width={64} height={40} alt="" />}
              <span>
                <strong>{product.title}</strong>
                <small>
                  {product.regions.map((region) => regions[region] ?? region).join(language === 'fa' ? '، ' : ', ')}
                </small>
              </span>
              <b>
                {product.inStock && product.fromPriceRial !== null
                  ? `${words.from} ${formatToman(product.fromPriceRial, language)}`
                  : words.out}
              </b>
            </a>
          </li>
        ))}
        {found?.categories.map((category) => (
          <li key={category.id} role="presentation">
            <a {...option()} href={pathIn(language, `/c/${category.slug}`)}>
              <Icon name="list" />
              <span>{category.title}</span>
            </a>
          </li>
        ))}
      </ul>
    </form>
  );
}
