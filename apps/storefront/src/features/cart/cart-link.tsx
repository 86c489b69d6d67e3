'use client';

import { useEffect, useState } from 'react';
import { shop } from '../../lib/shop.ts';
import { digits, type Language } from '../../lib/language.ts';
import { Icon } from '../../components/icons.tsx';

/** Told by whatever changes the cart on this page. */
export const cartChanged = 'kelid:cart';

export function CartLink({
  href,
  label,
  language,
  isKnown,
}: {
  href: string;
  label: string;
  language: Language;
  isKnown: boolean;
}) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const onChange = (event: Event) =>
      setCount(event instanceof CustomEvent && typeof event.detail === 'number' ? event.detail : 0);
    addEventListener(cartChanged, onChange);
    if (isKnown) void shop.orders.getCart({}).then((answer) => answer.ok && setCount(answer.value.itemCount));
    return () => removeEventListener(cartChanged, onChange);
  }, [isKnown]);
  return (
    <a className="tool" href={href}>
      <Icon name="cart" />
      <span className="label">{label}</span>
      {count > 0 && <span className="count">{digits(count, language)}</span>}
    </a>
  );
}
