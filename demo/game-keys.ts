import type { LocalizedText } from '@kelid/contracts/common';
import type { CardArt, DemoProduct } from './demo-product.ts';
import { describe } from './wording.ts';

interface Game {
  slug: string;
  title: LocalizedText;
  platform: string;
  categorySlug: string;
  aliases: string[];
  about: LocalizedText;
  costUsdMinor: number;
  art: Omit<CardArt, 'label'>;
  isFeatured?: boolean;
  stock?: number;
  /** Not out yet: sold now, delivered from this day. */
  releasesOn?: string;
}

const games: Game[] = [
  {
    slug: 'counter-strike-2-prime',
    title: { fa: 'کانتر استرایک ۲ نسخه پرایم', en: 'Counter-Strike 2 Prime Status' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['کانتر', 'کانتر استرایک', 'cs2', 'csgo', 'سی اس گو', 'kanter'],
    about: {
      fa: 'تیراندازی تیمی که بیست سال است رقیب ندارد؛ با پرایم، بازی با حریف‌های واقعی‌تر.',
      en: 'The team shooter without a rival for twenty years; Prime brings better matched opponents.',
    },
    costUsdMinor: 1499,
    art: { from: '#7a4a12', to: '#1d1103', accent: '#ffb54d', motif: 'rays', glyph: 'target' },
    isFeatured: true,
  },
  {
    slug: 'elden-ring',
    title: { fa: 'الدن رینگ', en: 'Elden Ring' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['الدن', 'elden', 'سولز', 'eldn ring'],
    about: {
      fa: 'دنیایی باز و سخت که هر قدمش کشفی تازه است.',
      en: 'A vast, hard open world where every step discovers something.',
    },
    costUsdMinor: 4199,
    art: { from: '#5c4a1c', to: '#151005', accent: '#ffe08a', motif: 'orbits', glyph: 'sword' },
    isFeatured: true,
  },
  {
    slug: 'red-dead-redemption-2',
    title: { fa: 'رد دد ریدمپشن ۲', en: 'Red Dead Redemption 2' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['رد دد', 'rdr2', 'ردد', 'red ded'],
    about: {
      fa: 'آخرین روزهای غرب وحشی با داستانی که فراموش نمی‌شود.',
      en: 'The last days of the Wild West, in a story you will not forget.',
    },
    costUsdMinor: 1999,
    art: { from: '#8f1d14', to: '#200503', accent: '#ff9a66', motif: 'peaks', glyph: 'target' },
  },
  {
    slug: 'gta-v-premium',
    title: { fa: 'جی‌تی‌ای ۵ نسخه پریمیوم', en: 'GTA V Premium Edition' },
    platform: 'pc',
    categorySlug: 'action-games',
    aliases: ['جی تی ای', 'gta', 'جی‌تی‌ای', 'gta5', 'ji ti ay'],
    about: { fa: 'لوس سانتوس با حالت داستانی و آنلاین.', en: 'Los Santos, story and online.' },
    costUsdMinor: 1399,
    art: { from: '#1d6b4a', to: '#051c13', accent: '#ff8ad4', motif: 'waves', glyph: 'car' },
    isFeatured: true,
  },
  {
    slug: 'cyberpunk-2077',
    title: { fa: 'سایبرپانک ۲۰۷۷', en: 'Cyberpunk 2077' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['سایبرپانک', 'cyberpunk', 'سایبر پانک'],
    about: {
      fa: 'نقش‌آفرینی در شهر شب؛ جایی که انتخاب‌هایتان آدم‌ها را عوض می‌کند.',
      en: 'Role-playing in Night City, where your choices change people.',
    },
    costUsdMinor: 2999,
    art: { from: '#8a7a0c', to: '#201c02', accent: '#39f5ff', motif: 'circuit', glyph: 'headset' },
  },
  {
    slug: 'god-of-war',
    title: { fa: 'گاد آف وار', en: 'God of War' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['خدای جنگ', 'گاد اف وار', 'gow'],
    about: { fa: 'سفر پدر و پسری در سرزمین اسطوره‌های شمال.', en: 'A father and a son travel the land of Norse myths.' },
    costUsdMinor: 2399,
    art: { from: '#6b1620', to: '#180407', accent: '#ffb0a0', motif: 'peaks', glyph: 'sword' },
  },
  {
    slug: 'the-witcher-3',
    title: { fa: 'ویچر ۳ نسخه کامل', en: 'The Witcher 3 Complete Edition' },
    platform: 'pc',
    categorySlug: 'action-games',
    aliases: ['ویچر', 'witcher', 'ویتچر', 'گرالت'],
    about: {
      fa: 'شکارچی هیولا، دو بسته الحاقی و صدها ساعت داستان.',
      en: 'A monster hunter, two expansions and hundreds of hours.',
    },
    costUsdMinor: 999,
    art: { from: '#4a1f1f', to: '#120606', accent: '#ff6b6b', motif: 'stars', glyph: 'sword' },
  },
  {
    slug: 'minecraft-java-bedrock',
    title: { fa: 'ماینکرفت جاوا و بدراک', en: 'Minecraft Java & Bedrock' },
    platform: 'pc',
    categorySlug: 'strategy-games',
    aliases: ['ماینکرفت', 'ماین کرفت', 'minecraft', 'maynkraft'],
    about: { fa: 'بسازید، کاوش کنید و با دوستانتان زنده بمانید.', en: 'Build, explore and survive with your friends.' },
    costUsdMinor: 2199,
    art: { from: '#2f6b1f', to: '#0b1c06', accent: '#b5ff7a', motif: 'pixels', glyph: 'blocks' },
    isFeatured: true,
  },
  {
    slug: 'civilization-vi',
    title: { fa: 'تمدن ۶', en: 'Civilization VI' },
    platform: 'steam',
    categorySlug: 'strategy-games',
    aliases: ['سیویلیزیشن', 'civ 6', 'civilization', 'تمدن'],
    about: { fa: 'از عصر حجر تا فضا؛ فقط یک نوبت دیگر.', en: 'From the stone age to space; just one more turn.' },
    costUsdMinor: 599,
    art: { from: '#1c4a6b', to: '#06151f', accent: '#ffd98a', motif: 'hexes', glyph: 'crown' },
  },
  {
    slug: 'age-of-empires-iv',
    title: { fa: 'عصر امپراتوری ۴', en: 'Age of Empires IV' },
    platform: 'steam',
    categorySlug: 'strategy-games',
    aliases: ['عصر امپراتوری', 'aoe', 'ایج اف امپایر'],
    about: { fa: 'استراتژی هم‌زمان با تمدن‌های قرون وسطی.', en: 'Real-time strategy with medieval civilisations.' },
    costUsdMinor: 1899,
    art: { from: '#6b551c', to: '#1a1405', accent: '#8ad4ff', motif: 'peaks', glyph: 'crown' },
  },
  {
    slug: 'cities-skylines-2',
    title: { fa: 'سیتیز اسکای‌لاینز ۲', en: 'Cities: Skylines II' },
    platform: 'steam',
    categorySlug: 'strategy-games',
    aliases: ['سیتیز', 'cities skylines', 'شهرسازی'],
    about: {
      fa: 'شهر خودتان را از یک خیابان تا میلیون‌ها نفر بسازید.',
      en: 'Your own city, from one street to millions.',
    },
    costUsdMinor: 2499,
    art: { from: '#0f5c7a', to: '#031a24', accent: '#9dffea', motif: 'circuit', glyph: 'blocks' },
    stock: 0,
  },
  {
    slug: 'stardew-valley',
    title: { fa: 'استاردو ولی', en: 'Stardew Valley' },
    platform: 'steam',
    categorySlug: 'strategy-games',
    aliases: ['استاردو', 'stardew', 'مزرعه'],
    about: { fa: 'مزرعه‌ای آرام برای عصرهای شلوغ.', en: 'A calm farm for busy evenings.' },
    costUsdMinor: 899,
    art: { from: '#3a6b8a', to: '#0f1f2a', accent: '#ffe66b', motif: 'pixels', glyph: 'gem' },
  },
  {
    slug: 'ea-sports-fc-26',
    title: { fa: 'اف‌سی ۲۶', en: 'EA Sports FC 26' },
    platform: 'steam',
    categorySlug: 'sports-games',
    aliases: ['فیفا', 'fifa', 'fc26', 'اف سی', 'فوتبال'],
    about: { fa: 'فوتبال با تیم‌های واقعی و حالت حرفه‌ای.', en: 'Football with real teams and a career.' },
    costUsdMinor: 4899,
    art: { from: '#0a6b3a', to: '#02200f', accent: '#e8ff4d', motif: 'waves', glyph: 'ball' },
    isFeatured: true,
  },
  {
    slug: 'forza-horizon-5',
    title: { fa: 'فورزا هورایزن ۵', en: 'Forza Horizon 5' },
    platform: 'xbox',
    categorySlug: 'sports-games',
    aliases: ['فورزا', 'forza', 'ماشین'],
    about: { fa: 'صدها خودرو در جاده‌های رنگارنگ مکزیک.', en: 'Hundreds of cars on the roads of Mexico.' },
    costUsdMinor: 2899,
    art: { from: '#a83a6b', to: '#2a0d1a', accent: '#ffd24d', motif: 'rays', glyph: 'car' },
  },
  {
    slug: 'f1-25',
    title: { fa: 'فرمول یک ۲۵', en: 'F1 25' },
    platform: 'steam',
    categorySlug: 'sports-games',
    aliases: ['فرمول یک', 'formula 1', 'f1'],
    about: { fa: 'هر پیست، هر تیم، هر پیچ.', en: 'Every track, every team, every corner.' },
    costUsdMinor: 3899,
    art: { from: '#8a0f1c', to: '#1f0306', accent: '#ffffff', motif: 'rays', glyph: 'car' },
  },
  {
    slug: 'nba-2k26',
    title: { fa: 'ان‌بی‌ای ۲کا ۲۶', en: 'NBA 2K26' },
    platform: 'steam',
    categorySlug: 'sports-games',
    aliases: ['ان بی ای', 'nba', 'بسکتبال', '2k'],
    about: { fa: 'بسکتبال حرفه‌ای با داستان شخصی.', en: 'Professional basketball with a story of your own.' },
    costUsdMinor: 3299,
    art: { from: '#a8541c', to: '#2a1204', accent: '#6bb5ff', motif: 'orbits', glyph: 'ball' },
  },
  {
    slug: 'legend-of-the-lost-key',
    title: { fa: 'افسانه کلید گمشده', en: 'Legend of the Lost Key' },
    platform: 'steam',
    categorySlug: 'action-games',
    aliases: ['کلید گمشده', 'پیش خرید', 'پیش‌خرید', 'lost key', 'pre-order'],
    about: {
      fa: 'ماجراجویی در شهری که هر درش کلیدی می‌خواهد؛ بازی نمونه این فروشگاه برای پیش‌خرید.',
      en: 'An adventure in a city where every door wants a key; this demo shop’s own game, for pre-orders.',
    },
    costUsdMinor: 2990,
    releasesOn: '2027-03-01',
    art: { from: '#1d6b5f', to: '#04201c', accent: '#ffd98a', motif: 'stars', glyph: 'crown' },
  },
];

export const gameKeys: DemoProduct[] = games.map(
  ({ slug, title, platform, categorySlug, aliases, about, costUsdMinor, art, isFeatured, stock, releasesOn }) => ({
    slug,
    title,
    summary: about,
    description: describe(
      {
        fa: `${about.fa} کد اصلی بازی را می‌خرید و برای همیشه در کتابخانه خودتان می‌ماند.`,
        en: `${about.en} You buy a genuine key, and the game stays in your library for good.`,
      },
      {
        fa: 'کد جهانی است و روی حساب هر کشوری فعال می‌شود. برای دانلود اینترنت و فضای کافی لازم است.',
        en: 'The key is global and works with an account of any country.',
      },
    ),
    activationGuide: {
      fa: [
        'برنامه را باز کنید و وارد حساب خود شوید.',
        'در بخش «Activate a product» یا «Redeem code» کد را وارد کنید.',
        'بازی در کتابخانه شما آماده دانلود است.',
      ],
      en: [
        'Open the launcher and sign in.',
        'Enter the key under Activate a product or Redeem code.',
        'The game is in your library, ready to download.',
      ],
    },
    type: 'game_key',
    brand: title.en.split(' ')[0] ?? title.en,
    platform,
    categorySlug,
    aliases,
    isFeatured: isFeatured ?? false,
    accountRule: null,
    art: { ...art, label: platform.toUpperCase() },
    variants: [
      {
        sku: `${slug.toUpperCase()}-GLOBAL`,
        title: { fa: 'نسخه اصلی، جهانی', en: 'Standard, global' },
        region: 'GLOBAL',
        faceValue: costUsdMinor,
        faceCurrency: 'USD',
        costUsdMinor,
        marginBasisPoints: 700,
        demoStockCount: releasesOn ? 0 : (stock ?? 15),
        ...(releasesOn ? { releasesOn } : {}),
      },
      ...(costUsdMinor > 2000 && !releasesOn
        ? [
            {
              sku: `${slug.toUpperCase()}-EU`,
              title: { fa: 'نسخه اصلی، اروپا', en: 'Standard, Europe' },
              region: 'EU',
              faceValue: costUsdMinor,
              faceCurrency: 'EUR',
              costUsdMinor: Math.round(costUsdMinor * 0.92),
              marginBasisPoints: 700,
              demoStockCount: stock ?? 4,
            },
          ]
        : []),
    ],
  }),
);
