'use client';

import { Icon } from './icons.tsx';

export function ThemeButton({ label }: { label: string }) {
  function toggle() {
    const root = document.documentElement;
    const isDark = root.dataset['theme'] === 'dark' || (root.dataset['theme'] === undefined && matchMedia('(prefers-color-scheme: dark)').matches);
    root.dataset['theme'] = isDark ? 'light' : 'dark';
    document.cookie = `theme=${root.dataset['theme']}; path=/; max-age=31536000; samesite=lax`;
  }
  return (
    <button type="button" className="tool" onClick={toggle} aria-label={label}>
      <Icon name="theme" />
    </button>
  );
}
