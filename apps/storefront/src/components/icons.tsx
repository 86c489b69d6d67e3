// Drawn for Kelid, on a grid of 24.
const paths: Record<string, string> = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.5 16.5 21 21',
  cart: 'M3 4h2l2.2 11h10.6L20 7H6M9 20h.01M17 20h.01',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21a8 8 0 0 1 16 0',
  wallet: 'M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 7l11-3v3M20 11.5h-4a2 2 0 0 0 0 4h4',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  theme: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  light:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  bolt: 'M13 2 5 13.5h6L10 22l8-11.5h-6z',
  shield: 'M12 3l8 3v6c0 4.6-3.2 7.9-8 9-4.8-1.1-8-4.4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2',
  check: 'M4 12.5l5 5L20 6.5',
  filter: 'M4 6h16M7 12h10M10 18h4',
  cross: 'M6 6l12 12M18 6 6 18',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  steam: 'M7 8h10a5 5 0 0 1 5 5.5 3 3 0 0 1-5.5 2L15 14H9l-1.5 1.5a3 3 0 0 1-5.5-2A5 5 0 0 1 7 8zM7 10v3M5.5 11.5h3',
  playstation: 'M3 7h18v9H3zM8 19h8M12 16v3M7 10v3M5.5 11.5h3M17 11.5h.01',
  xbox: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM6 6c4 2 8 7 11 12M18 6c-4 2-8 7-11 12',
  nintendo:
    'M6 4h4v16H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3zM14 4h4a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3h-4zM6.5 8.5h.01M17.5 14.5h.01',
  apple: 'M7 2.5h10v19H7zM11 18.5h2M10 9l2 3 2-3',
  google_play: 'M5 3l14 9-14 9zM5 3l8 9-8 9',
  mobile: 'M7 2.5h10v19H7zM9 8h6M9 12h6M11 18.5h2',
  pc: 'M3 5h18v11H3zM9 20h6M12 16v4',
  roblox: 'M7 3l14 4-4 14L3 17zM10.5 10l4 1-1 4-4-1z',
  discord: 'M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v5H4zM17 14h3v5h-3z',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
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
  const cards = [
    { x: 218, y: 40, turn: -13, from: '#9a78ff', to: '#5a2fe0', sign: paths['steam'] },
    { x: 262, y: 142, turn: 7, from: '#ff8fca', to: '#c2357f', sign: paths['mobile'] },
    { x: 168, y: 196, turn: -5, from: '#4fe3cd', to: '#0d8f86', sign: paths['playstation'] },
  ];
  return (
    <svg className="art" viewBox="0 0 520 360" fill="none" aria-hidden="true">
      <defs>
        {cards.map(({ from, to }, index) => (
          <linearGradient key={from} id={`card-${index}`} x1="0" y1="0" x2="1" y2="1">
            <stop stopColor={from} />
            <stop offset="1" stopColor={to} />
          </linearGradient>
        ))}
        <linearGradient id="key" x1="0" y1="0" x2="1" y2="1">
          <stop stopColor="#fff0c9" />
          <stop offset=".45" stopColor="#ffc24a" />
          <stop offset="1" stopColor="#f08a1d" />
        </linearGradient>
        <radialGradient id="glow">
          <stop stopColor="#ffc24a" stopOpacity=".5" />
          <stop offset="1" stopColor="#ffc24a" stopOpacity="0" />
        </radialGradient>
      </defs>
      {cards.map(({ x, y, turn, sign }, index) => (
        <g key={x} transform={`rotate(${turn} ${x + 100} ${y + 62})`}>
          <g className={`float float-${index}`}>
            <rect x={x} y={y} width="204" height="126" rx="18" fill={`url(#card-${index})`} />
            <rect
              x={x + 0.75}
              y={y + 0.75}
              width="202.5"
              height="124.5"
              rx="17.3"
              stroke="#fff"
              strokeOpacity=".35"
              strokeWidth="1.5"
            />
            <path
              d={sign}
              transform={`translate(${x + 128} ${y + 14}) scale(2.4)`}
              stroke="#fff"
              strokeWidth="1.6"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
            <path
              d={`M${x + 18} ${y + 88}h74M${x + 18} ${y + 104}h44`}
              stroke="#fff"
              strokeOpacity=".6"
              strokeWidth="7"
              strokeLinecap="round"
            />
          </g>
        </g>
      ))}
      <circle cx="290" cy="190" r="150" fill="url(#glow)" />
      <g className="float float-3" stroke="url(#key)" strokeWidth="19" strokeLinecap="round" strokeLinejoin="round">
        <circle cx="234" cy="138" r="47" />
        <path d="M268 172l104 104M346 250l27-27M316 220l20-20" />
      </g>
      <g fill="#fff">
        <path d="M128 90l4 11 11 4-11 4-4 11-4-11-11-4 11-4z" opacity=".9" />
        <path d="M468 66l3 8 8 3-8 3-3 8-3-8-8-3 8-3z" opacity=".7" />
        <path d="M446 300l3 8 8 3-8 3-3 8-3-8-8-3 8-3z" opacity=".8" />
      </g>
    </svg>
  );
}
