'use client';

import { useState } from 'react';
import { Icon } from './icons.tsx';

const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The theme is kept in a cookie, so that the server draws the first page in it and nothing flashes. */
export function ThemeButton({
  label,
  names,
  initial,
}: {
  label: string;
  names: Record<Theme, string>;
  initial: Theme;
}) {
  const [theme, setTheme] = useState(initial);
  function next() {
    const chosen = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
    const root = document.documentElement;
    if (chosen === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = chosen;
    document.cookie = `theme=${chosen}; path=/; max-age=${chosen === 'system' ? 0 : 31_536_000}; samesite=lax`;
    setTheme(chosen);
  }
  const name = `${label}: ${names[theme]}`;
  return (
    <button type="button" className="tool" onClick={next} aria-label={name} title={name}>
      <Icon name={theme === 'system' ? 'theme' : theme} />
    </button>
  );
}
