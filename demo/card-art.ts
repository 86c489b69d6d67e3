import { createHash } from 'node:crypto';
import type { CardArt } from './demo-product.ts';

const width = 1280;
const height = 800;

/** The picture of a product: our own drawing, the same for the same seed. It carries no trademark, only the name in plain letters. */
export function drawCard(art: CardArt, title: string, seed: string): string {
  const random = randomOf(seed);
  const words = wrap(title, 17);
  const lines = words.map(
    (line, index) =>
      `<text x="84" y="${height - 96 - (words.length - 1 - index) * 82}" font-size="72" font-weight="800" fill="#fff">${escape(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif">
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="${art.from}"/><stop offset="1" stop-color="${art.to}"/></linearGradient>
<radialGradient id="l" cx=".78" cy=".2" r=".8"><stop offset="0" stop-color="${art.accent}" stop-opacity=".55"/><stop offset="1" stop-color="${art.accent}" stop-opacity="0"/></radialGradient>
<linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset=".35" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity=".55"/></linearGradient></defs>
<rect width="${width}" height="${height}" fill="url(#g)"/>
<g fill="none" stroke="#fff" stroke-opacity=".16" stroke-width="3">${motifs[art.motif](random)}</g>
<rect width="${width}" height="${height}" fill="url(#l)"/><rect width="${width}" height="${height}" fill="url(#s)"/>
<g transform="translate(860 96) scale(13)" fill="none" stroke="#fff" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"><g stroke="${art.accent}" stroke-opacity=".55" transform="translate(.5 .5)">${glyphs[art.glyph]}</g>${glyphs[art.glyph]}</g>
<rect x="84" y="88" width="${art.label.length * 23 + 56}" height="64" rx="32" fill="#000" fill-opacity=".32"/><text x="112" y="131" font-size="32" font-weight="700" fill="#fff" letter-spacing="3">${escape(art.label)}</text>
${lines.join('')}<rect x="84" y="${height - 60}" width="150" height="9" rx="4.5" fill="${art.accent}"/></svg>`;
}

type Random = () => number;

function randomOf(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32BE(0);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const round = (value: number) => Math.round(value);

const motifs: Record<CardArt['motif'], (random: Random) => string> = {
  waves: (random) =>
    range(11)
      .map((row) => {
        const y = 90 + row * 70;
        const lift = 30 + random() * 60;
        return `<path d="M-20 ${y} C 300 ${round(y - lift)}, 420 ${round(y + lift)}, 700 ${y} S 1100 ${round(y - lift)}, 1300 ${y}"/>`;
      })
      .join(''),
  orbits: (random) =>
    range(8)
      .map((ring) => {
        const radius = 90 + ring * 78;
        const angle = random() * Math.PI * 2;
        return `<circle cx="960" cy="300" r="${radius}"/><circle cx="${round(960 + radius * Math.cos(angle))}" cy="${round(300 + radius * Math.sin(angle))}" r="9" fill="#fff" fill-opacity=".4"/>`;
      })
      .join(''),
  hexes: (random) =>
    range(70)
      .filter(() => random() > 0.35)
      .map((cell) => {
        const x = (cell % 10) * 138 + (Math.floor(cell / 10) % 2) * 69;
        const y = Math.floor(cell / 10) * 120;
        return `<path d="M${x} ${y - 74}l64 37v74l-64 37-64-37v-74z"${random() > 0.85 ? ' fill="#fff" fill-opacity=".1"' : ''}/>`;
      })
      .join(''),
  stars: (random) => {
    const points = range(42).map(() => ({ x: round(random() * width), y: round(random() * height) }));
    const dots = points.map(
      ({ x, y }) =>
        `<circle cx="${x}" cy="${y}" r="${round(2 + random() * 5)}" fill="#fff" fill-opacity=".5" stroke="none"/>`,
    );
    const links = points.slice(1).flatMap((point, index) => {
      const before = points[index];
      return before && Math.hypot(point.x - before.x, point.y - before.y) < 460
        ? [`<path d="M${before.x} ${before.y}L${point.x} ${point.y}"/>`]
        : [];
    });
    return dots.join('') + links.join('');
  },
  pixels: (random) =>
    range(150)
      .map(() => {
        const size = 40;
        return `<rect x="${Math.floor(random() * 32) * size}" y="${Math.floor(random() * 20) * size}" width="${size}" height="${size}" fill="#fff" fill-opacity="${(random() * 0.14).toFixed(2)}" stroke="none"/>`;
      })
      .join(''),
  circuit: (random) =>
    range(22)
      .map(() => {
        const x = Math.floor(random() * 16) * 80;
        const y = Math.floor(random() * 10) * 80;
        const across = (1 + Math.floor(random() * 4)) * 80;
        const down = (Math.floor(random() * 5) - 2) * 80;
        return `<path d="M${x} ${y}h${across}l${Math.abs(down)} ${down}h80"/><circle cx="${x}" cy="${y}" r="10"/>`;
      })
      .join(''),
  peaks: (random) =>
    range(9)
      .map((row) => {
        const y = 180 + row * 75;
        const peaks = range(9).map((step) => `L${step * 160} ${round(y - random() * 130)}`);
        return `<path d="M-20 ${y}${peaks.join('')}"/>`;
      })
      .join(''),
  rays: (random) =>
    range(26)
      .map((ray) => {
        const angle = (ray / 26) * Math.PI * 2 + random() * 0.1;
        return `<path d="M${round(1000 + 130 * Math.cos(angle))} ${round(280 + 130 * Math.sin(angle))}L${round(1000 + 1200 * Math.cos(angle))} ${round(280 + 1200 * Math.sin(angle))}" stroke-width="${round(2 + random() * 16)}"/>`;
      })
      .join(''),
};

// Signs on a grid of 24, drawn for Kelid.
const glyphs: Record<CardArt['glyph'], string> = {
  gamepad:
    '<path d="M7 8h10a5 5 0 0 1 5 5.5a3 3 0 0 1-5.5 2L15 14H9l-1.5 1.5a3 3 0 0 1-5.5-2A5 5 0 0 1 7 8z"/><path d="M7 10v3M5.5 11.5h3"/><circle cx="16" cy="10.5" r=".6"/><circle cx="18" cy="12.5" r=".6"/>',
  console:
    '<rect x="3" y="6" width="18" height="9" rx="2"/><path d="M8 18h8M12 15v3M7 9v3M5.5 10.5h3"/><circle cx="17" cy="10.5" r="1.3"/>',
  phone: '<rect x="7" y="2" width="10" height="20" rx="2.5"/><path d="M11 19h2M10 9l2 3 2-3"/>',
  crown: '<path d="M3 8l4 4 5-7 5 7 4-4-2 11H5z"/><path d="M6 16h12"/>',
  coin: '<circle cx="12" cy="12" r="9"/><circle cx="12" cy="12" r="6"/><path d="M12 9v6M10 10.5h3a1 1 0 0 1 0 3h-2"/>',
  gem: '<path d="M7 4h10l4 6-9 10L3 10z"/><path d="M3 10h18M9 4l-1.5 6L12 20l4.5-10L15 4"/>',
  ticket:
    '<path d="M3 8a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v2a2 2 0 0 0 0 4v2a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-2a2 2 0 0 0 0-4z"/><path d="M14 6v2m0 3v2m0 3v2"/>',
  wallet:
    '<path d="M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a3 3 0 0 1-3-3V6a2 2 0 0 1 2-2h11v3"/><path d="M20 12h-4a2 2 0 0 0 0 4h4"/>',
  headset:
    '<path d="M4 14v-2a8 8 0 0 1 16 0v2"/><rect x="3" y="13" width="4" height="7" rx="1.5"/><rect x="17" y="13" width="4" height="7" rx="1.5"/><path d="M19 20c0 2-3 2-5 2"/>',
  target: '<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="3"/><path d="M12 1v5M12 18v5M1 12h5M18 12h5"/>',
  car: '<path d="M3 15l2-6a2 2 0 0 1 2-1.5h10A2 2 0 0 1 19 9l2 6v4h-3v-2H6v2H3z"/><path d="M5 12h14"/><circle cx="7" cy="14.5" r=".7"/><circle cx="17" cy="14.5" r=".7"/>',
  sword: '<path d="M20 3l-9 9M20 3l-1 5-7 7-3-3 7-7zM6 13l5 5M8 16l-4 4M3 19l2 2"/>',
  ball: '<circle cx="12" cy="12" r="9"/><path d="M12 8l4 3-1.5 4.5h-5L8 11zM12 3v5M21 11l-5 0M17.5 19l-3-3.5M6.5 19l3-3.5M3 11h5"/>',
  blocks:
    '<path d="M12 2l4.5 2.5v5L12 12 7.5 9.5v-5zM7 11l4.5 2.5v5L7 21l-4.5-2.5v-5zM17 11l4.5 2.5v5L17 21l-4.5-2.5v-5z"/>',
};

function wrap(title: string, lettersMax: number): string[] {
  const lines: string[] = [];
  for (const word of title.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < lettersMax) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.slice(0, 3);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
