import type { LocalizedText } from '@kelid/contracts/common';
import { toPersianDigits } from '@kelid/persian/digits';
import type { CardArt, DemoProduct } from './demo-product.ts';
import { describe, regionNames } from './wording.ts';

interface Offer {
  slug: string;
  title: LocalizedText;
  type: 'digital_item';
  brand: string;
  platform: string;
  categorySlug: string;
  region: string;
  aliases: string[];
  about: LocalizedText;
  art: CardArt;
  /** Months, or pieces for items, with their cost. */
  terms: [count: number, costUsdMinor: number][];
  unit: LocalizedText;
  isFeatured?: boolean;
}

const month: LocalizedText = { fa: 'ماهه', en: 'months' };
const offers: Offer[] = [
  {
    slug: 'xbox-game-pass-ultimate',
    title: { fa: 'گیم‌پس آلتیمیت', en: 'Xbox Game Pass Ultimate' },
    type: 'digital_item',
    brand: 'Xbox',
    platform: 'xbox',
    categorySlug: 'subscriptions',
    region: 'GLOBAL',
    aliases: ['گیم پس', 'game pass', 'گیمپس', 'geym pas'],
    about: { fa: 'صدها بازی روی کنسول، کامپیوتر و فضای ابری.', en: 'Hundreds of games on console, PC and cloud.' },
    art: { from: '#0f6b2f', to: '#041c0c', accent: '#a8ff5c', motif: 'orbits', glyph: 'ticket', label: 'PASS' },
    terms: [
      [1, 1390],
      [3, 3490],
    ],
    unit: month,
    isFeatured: true,
  },
  {
    slug: 'ps-plus-essential-us',
    title: { fa: 'پلاس اسنشال آمریکا', en: 'PS Plus Essential United States' },
    type: 'digital_item',
    brand: 'PlayStation',
    platform: 'playstation',
    categorySlug: 'subscriptions',
    region: 'US',
    aliases: ['پلاس', 'ps plus', 'پی اس پلاس', 'اشتراک پلی استیشن'],
    about: { fa: 'بازی آنلاین و بازی‌های رایگان هر ماه.', en: 'Online play and free games every month.' },
    art: { from: '#8a6b12', to: '#211903', accent: '#ffe27a', motif: 'waves', glyph: 'ticket', label: 'PLUS' },
    terms: [
      [1, 999],
      [3, 2499],
      [12, 7999],
    ],
    unit: month,
    isFeatured: true,
  },
  {
    slug: 'ps-plus-extra-tr',
    title: { fa: 'پلاس اکسترا ترکیه', en: 'PS Plus Extra Türkiye' },
    type: 'digital_item',
    brand: 'PlayStation',
    platform: 'playstation',
    categorySlug: 'subscriptions',
    region: 'TR',
    aliases: ['پلاس اکسترا', 'ps plus extra', 'پلاس ترکیه'],
    about: {
      fa: 'کاتالوگ صدها بازی به‌همراه همه امکانات اسنشال.',
      en: 'A catalogue of hundreds of games with all of Essential.',
    },
    art: { from: '#7a5512', to: '#1c1303', accent: '#9db8ff', motif: 'hexes', glyph: 'ticket', label: 'EXTRA' },
    terms: [
      [1, 920],
      [3, 2390],
      [12, 7290],
    ],
    unit: month,
  },
  {
    slug: 'nintendo-switch-online',
    title: { fa: 'اشتراک نینتندو آنلاین', en: 'Nintendo Switch Online' },
    type: 'digital_item',
    brand: 'Nintendo',
    platform: 'nintendo',
    categorySlug: 'subscriptions',
    region: 'US',
    aliases: ['نینتندو آنلاین', 'switch online'],
    about: { fa: 'بازی آنلاین، ذخیره ابری و کلاسیک‌ها.', en: 'Online play, cloud saves and classics.' },
    art: { from: '#a81c2f', to: '#2a060b', accent: '#ffffff', motif: 'pixels', glyph: 'ticket', label: 'ONLINE' },
    terms: [
      [3, 799],
      [12, 1999],
    ],
    unit: month,
  },
  {
    slug: 'discord-nitro',
    title: { fa: 'دیسکورد نیترو', en: 'Discord Nitro' },
    type: 'digital_item',
    brand: 'Discord',
    platform: 'discord',
    categorySlug: 'subscriptions',
    region: 'GLOBAL',
    aliases: ['دیسکورد', 'نیترو', 'nitro', 'discord', 'diskord'],
    about: { fa: 'ایموجی همه‌جا، پخش باکیفیت و دو بوست سرور.', en: 'Emoji everywhere, better streams and two boosts.' },
    art: { from: '#3c45b8', to: '#0e1033', accent: '#ff8af0', motif: 'waves', glyph: 'headset', label: 'NITRO' },
    terms: [
      [1, 950],
      [12, 9490],
    ],
    unit: month,
    isFeatured: true,
  },
  {
    slug: 'ea-play',
    title: { fa: 'اشتراک ای‌ای پلی', en: 'EA Play' },
    type: 'digital_item',
    brand: 'EA',
    platform: 'pc',
    categorySlug: 'subscriptions',
    region: 'GLOBAL',
    aliases: ['ای ای پلی', 'ea play'],
    about: { fa: 'بازی‌های EA و ده ساعت آزمایش بازی‌های تازه.', en: 'EA games and ten-hour trials of new ones.' },
    art: { from: '#b8331c', to: '#2e0b04', accent: '#ffe0a0', motif: 'circuit', glyph: 'ticket', label: 'EA' },
    terms: [
      [1, 570],
      [12, 3790],
    ],
    unit: month,
  },
  {
    slug: 'spotify-premium',
    title: { fa: 'اسپاتیفای پریمیوم', en: 'Spotify Premium' },
    type: 'digital_item',
    brand: 'Spotify',
    platform: 'mobile',
    categorySlug: 'subscriptions',
    region: 'US',
    aliases: ['اسپاتیفای', 'spotify', 'موزیک'],
    about: { fa: 'موسیقی بدون تبلیغ و پخش آفلاین.', en: 'Music without ads, and offline.' },
    art: { from: '#12703a', to: '#03200f', accent: '#7dffb0', motif: 'waves', glyph: 'headset', label: 'MUSIC' },
    terms: [
      [1, 1190],
      [3, 3490],
    ],
    unit: month,
  },
  {
    slug: 'telegram-stars-pack',
    title: { fa: 'بسته استارز تلگرام', en: 'Telegram Stars Pack' },
    type: 'digital_item',
    brand: 'Telegram',
    platform: 'mobile',
    categorySlug: 'digital-items',
    region: 'GLOBAL',
    aliases: ['تلگرام', 'استارز', 'stars', 'ستاره تلگرام'],
    about: { fa: 'برای خرید در مینی‌اپ‌ها و حمایت از کانال‌ها.', en: 'For mini apps and supporting channels.' },
    art: { from: '#1c6ba8', to: '#061c2e', accent: '#ffe14d', motif: 'stars', glyph: 'gem', label: 'STARS' },
    terms: [
      [100, 190],
      [500, 890],
      [1000, 1750],
    ],
    unit: { fa: 'استارز', en: 'Stars' },
  },
  {
    slug: 'steam-random-key',
    title: { fa: 'کد شانسی استیم', en: 'Random Steam Key' },
    type: 'digital_item',
    brand: 'Steam',
    platform: 'steam',
    categorySlug: 'digital-items',
    region: 'GLOBAL',
    aliases: ['شانسی', 'رندوم کی', 'random key', 'استیم شانسی'],
    about: {
      fa: 'یک بازی تصادفی استیم؛ ارزشش دست‌کم برابر قیمتش.',
      en: 'One random Steam game, worth at least its price.',
    },
    art: { from: '#4a2f8a', to: '#130a26', accent: '#ffd24d', motif: 'rays', glyph: 'ticket', label: 'LUCKY' },
    terms: [
      [1, 199],
      [5, 899],
    ],
    unit: { fa: 'عددی', en: 'keys' },
  },
  {
    slug: 'windows-11-pro',
    title: { fa: 'لایسنس ویندوز ۱۱ پرو', en: 'Windows 11 Pro Licence' },
    type: 'digital_item',
    brand: 'Microsoft',
    platform: 'pc',
    categorySlug: 'digital-items',
    region: 'GLOBAL',
    aliases: ['ویندوز', 'windows', 'لایسنس ویندوز'],
    about: { fa: 'فعال‌سازی اصل برای یک دستگاه.', en: 'Genuine activation for one device.' },
    art: { from: '#0f5c9c', to: '#031a2e', accent: '#8ad8ff', motif: 'hexes', glyph: 'wallet', label: 'PRO' },
    terms: [[1, 1290]],
    unit: { fa: 'دستگاه', en: 'device' },
  },
];

export const subscriptions: DemoProduct[] = offers.map(
  ({ slug, title, type, brand, platform, categorySlug, region, aliases, about, art, terms, unit, isFeatured }) => {
    const place = regionNames[region] ?? { fa: region, en: region };
    return {
      slug,
      title,
      summary: about,
      description: describe(
        { fa: `${about.fa} کد فعال‌سازی را بلافاصله می‌گیرید.`, en: `${about.en} You get the activation code at once.` },
        region === 'GLOBAL'
          ? { fa: 'روی حساب همه کشورها فعال می‌شود.', en: 'It works with accounts of every country.' }
          : { fa: `فقط روی حساب کشور ${place.fa} فعال می‌شود.`, en: `It works only with an account of ${place.en}.` },
      ),
      activationGuide: {
        fa: [
          'وارد حساب خود در سایت یا برنامه رسمی شوید.',
          'بخش «Redeem» را باز کنید و کد را وارد کنید.',
          'تاریخ پایان را در تنظیمات حساب ببینید.',
        ],
        en: [
          'Sign in at the official site or app.',
          'Open Redeem and enter the code.',
          'See the end date in your account settings.',
        ],
      },
      type,
      brand,
      platform,
      categorySlug,
      aliases,
      isFeatured: isFeatured ?? false,
      accountRule: null,
      art,
      variants: terms.map(([count, costUsdMinor], index) => ({
        sku: `${slug.toUpperCase()}-${region}-${count}`,
        title: { fa: `${toPersianDigits(count)} ${unit.fa}`, en: `${count} ${unit.en}` },
        region,
        faceValue: costUsdMinor,
        faceCurrency: 'USD',
        costUsdMinor,
        marginBasisPoints: 800,
        demoStockCount: Math.max(3, 25 - index * 8),
      })),
    };
  },
);
