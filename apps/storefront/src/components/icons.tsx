// Drawn for Kelid, on a grid of 24.
const paths: Record<string, string> = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.5 16.5 21 21',
  cart: 'M3 4h2l2.2 11h10.6L20 7H6M9 20h.01M17 20h.01',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21a8 8 0 0 1 16 0',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  theme: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  steam: 'M7 8h10a5 5 0 0 1 5 5.5 3 3 0 0 1-5.5 2L15 14H9l-1.5 1.5a3 3 0 0 1-5.5-2A5 5 0 0 1 7 8zM7 10v3M5.5 11.5h3',
  playstation: 'M3 7h18v9H3zM8 19h8M12 16v3M7 10v3M5.5 11.5h3M17 11.5h.01',
  xbox: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM6 6c4 2 8 7 11 12M18 6c-4 2-8 7-11 12',
  nintendo: 'M6 4h4v16H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3zM14 4h4a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3h-4zM6.5 8.5h.01M17.5 14.5h.01',
  apple: 'M7 2.5h10v19H7zM11 18.5h2M10 9l2 3 2-3',
  google_play: 'M5 3l14 9-14 9zM5 3l8 9-8 9',
  mobile: 'M7 2.5h10v19H7zM9 8h6M9 12h6M11 18.5h2',
  pc: 'M3 5h18v11H3zM9 20h6M12 16v4',
  roblox: 'M7 3l14 4-4 14L3 17zM10.5 10l4 1-1 4-4-1z',
  discord: 'M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v5H4zM17 14h3v5h-3z',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name] ?? paths['pc'] ?? ''} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="16" fill="#17132b" />
      <g fill="none" stroke="#ffc24a" strokeWidth="6" strokeLinecap="round">
        <circle cx="24" cy="26" r="11" />
        <path d="M32 34l18 18M44 46l6-6" />
      </g>
    </svg>
  );
}

/** The home page's picture: a key made of light over cards. */
export function HeroArt() {
  return (
    <svg className="art" viewBox="0 0 480 360" fill="none" aria-hidden="true" preserveAspectRatio="xMidYMid slice">
      <g opacity=".9">
        <rect x="210" y="60" width="190" height="118" rx="18" fill="#8a63ff" transform="rotate(-12 305 119)" />
        <rect x="250" y="150" width="190" height="118" rx="18" fill="#ff7ac3" transform="rotate(6 345 209)" opacity=".85" />
        <rect x="170" y="200" width="190" height="118" rx="18" fill="#34d5c0" transform="rotate(-5 265 259)" opacity=".8" />
      </g>
      <g stroke="#ffc24a" strokeWidth="18" strokeLinecap="round">
        <circle cx="240" cy="150" r="46" />
        <path d="M274 184l96 96M344 254l26-26M318 228l18-18" />
      </g>
    </svg>
  );
}
