import { RateCurrency } from '@kelid/contracts/catalog';
import type { LocalizedText } from '@kelid/contracts/common';
import type { CardArt, DemoProduct } from './demo-product.ts';
import { cardVariants, describe, regionNames } from './wording.ts';

interface Family {
  slug: string;
  name: LocalizedText;
  brand: string;
  platform: string;
  categorySlug: string;
  aliases: string[];
  spend: LocalizedText;
  redeem: { fa: string; en: string };
  art: Omit<CardArt, 'label'>;
  /** Region, currency, denominations. */
  offers: [region: string, currency: string, values: number[]][];
  isFeatured?: boolean;
  /** Its price follows the rate of what is printed on it. */
  followsRate?: boolean;
}

const families: Family[] = [
  {
    slug: 'steam',
    name: { fa: 'گیفت کارت استیم', en: 'Steam Gift Card' },
    brand: 'Steam',
    platform: 'steam',
    categorySlug: 'pc-gift-cards',
    aliases: ['استیم', 'estim', 'steam wallet', 'والت استیم', 'شارژ استیم', 'گیفت استیم', 'stim'],
    spend: {
      fa: 'موجودی کیف پول استیم را زیاد می‌کند و با آن بازی، آیتم و نرم‌افزار می‌خرید.',
      en: 'Adds to your Steam Wallet, for games, items and software.',
    },
    redeem: {
      fa: 'در برنامه استیم به «Account details» و بعد «Add funds» بروید و «Redeem a Steam Gift Card» را بزنید.',
      en: 'In Steam open Account details, Add funds, then Redeem a Steam Gift Card.',
    },
    art: { from: '#16324f', to: '#0b1726', accent: '#57b6ff', motif: 'orbits', glyph: 'gamepad' },
    offers: [
      ['US', 'USD', [5, 10, 20, 50, 100]],
      ['TR', 'USD', [5, 10, 20]],
      ['EU', 'EUR', [5, 10, 20, 50]],
      ['AE', 'AED', [40, 50, 100]],
      ['IN', 'INR', [500, 1000, 2000]],
    ],
    isFeatured: true,
  },
  {
    slug: 'playstation',
    name: { fa: 'گیفت کارت پلی‌استیشن', en: 'PlayStation Gift Card' },
    brand: 'PlayStation',
    platform: 'playstation',
    categorySlug: 'console-gift-cards',
    aliases: ['پلی استیشن', 'پلی‌استیشن', 'psn', 'پی اس ان', 'ps5', 'ps4', 'سونی', 'gift psn', 'pley estation'],
    spend: {
      fa: 'کیف پول PSN را شارژ می‌کند؛ برای خرید بازی، بسته الحاقی و اشتراک PS Plus.',
      en: 'Tops up your PSN wallet for games, add-ons and PS Plus.',
    },
    redeem: {
      fa: 'در کنسول یا سایت، وارد PlayStation Store شوید، «Redeem Codes» را بزنید و کد ۱۲ رقمی را وارد کنید.',
      en: 'In PlayStation Store choose Redeem Codes and enter the 12 characters.',
    },
    art: { from: '#12307e', to: '#070f2b', accent: '#6f8cff', motif: 'waves', glyph: 'console' },
    offers: [
      ['US', 'USD', [10, 25, 50, 100]],
      ['TR', 'TRY', [250, 500, 1000]],
      ['GB', 'GBP', [10, 25, 50]],
      ['AE', 'USD', [10, 20, 50]],
    ],
    isFeatured: true,
  },
  {
    slug: 'xbox',
    name: { fa: 'گیفت کارت ایکس‌باکس', en: 'Xbox Gift Card' },
    brand: 'Xbox',
    platform: 'xbox',
    categorySlug: 'console-gift-cards',
    aliases: ['ایکس باکس', 'ایکسباکس', 'xbox live', 'مایکروسافت', 'iks baks'],
    spend: {
      fa: 'موجودی حساب مایکروسافت شماست؛ برای بازی‌های ایکس‌باکس و ویندوز.',
      en: 'Balance for your Microsoft account: Xbox and Windows games.',
    },
    redeem: {
      fa: 'به redeem.microsoft.com بروید، وارد حساب شوید و کد ۲۵ حرفی را وارد کنید.',
      en: 'Sign in at redeem.microsoft.com and enter the 25 characters.',
    },
    art: { from: '#0f5a2f', to: '#04170c', accent: '#7dff8f', motif: 'hexes', glyph: 'gamepad' },
    offers: [
      ['US', 'USD', [5, 10, 25, 50]],
      ['TR', 'TRY', [100, 200, 500]],
      ['EU', 'EUR', [10, 25, 50]],
    ],
    isFeatured: true,
  },
  {
    slug: 'nintendo',
    name: { fa: 'گیفت کارت نینتندو', en: 'Nintendo eShop Card' },
    brand: 'Nintendo',
    platform: 'nintendo',
    categorySlug: 'console-gift-cards',
    aliases: ['نینتندو', 'نینتندو سوییچ', 'switch', 'eshop', 'ای شاپ'],
    spend: {
      fa: 'اعتبار فروشگاه نینتندو برای سوییچ؛ بازی و محتوای اضافه.',
      en: 'eShop credit for Nintendo Switch games and add-ons.',
    },
    redeem: {
      fa: 'در سوییچ، Nintendo eShop را باز کنید و «Enter Code» را بزنید.',
      en: 'On the Switch open Nintendo eShop and choose Enter Code.',
    },
    art: { from: '#9c1127', to: '#2a0309', accent: '#ff8095', motif: 'pixels', glyph: 'console' },
    offers: [
      ['US', 'USD', [10, 20, 35, 50]],
      ['EU', 'EUR', [15, 25, 50]],
    ],
  },
  {
    slug: 'apple',
    name: { fa: 'گیفت کارت اپل', en: 'Apple Gift Card' },
    brand: 'Apple',
    platform: 'apple',
    categorySlug: 'mobile-gift-cards',
    aliases: ['اپل', 'آیتونز', 'itunes', 'app store', 'اپ استور', 'apple id', 'اپل آیدی', 'epel'],
    spend: {
      fa: 'برای اپ‌استور، موسیقی، فضای iCloud و خرید داخل برنامه‌ها.',
      en: 'For the App Store, music, iCloud space and in-app purchases.',
    },
    redeem: {
      fa: 'در اپ‌استور روی عکس حساب بزنید و «Redeem Gift Card or Code» را انتخاب کنید.',
      en: 'In the App Store tap your picture, then Redeem Gift Card or Code.',
    },
    art: { from: '#3d3a52', to: '#121019', accent: '#f0a8ff', motif: 'waves', glyph: 'phone' },
    offers: [
      ['US', 'USD', [5, 10, 25, 50, 100]],
      ['TR', 'TRY', [100, 250, 500]],
      ['AE', 'AED', [50, 100, 250]],
    ],
    isFeatured: true,
  },
  {
    slug: 'google-play',
    name: { fa: 'گیفت کارت گوگل پلی', en: 'Google Play Gift Card' },
    brand: 'Google Play',
    platform: 'google_play',
    categorySlug: 'mobile-gift-cards',
    aliases: ['گوگل پلی', 'گوگل‌پلی', 'play store', 'پلی استور', 'gogel pley', 'اندروید'],
    spend: {
      fa: 'برای برنامه‌ها و بازی‌های اندروید و خرید داخل آن‌ها.',
      en: 'For Android apps, games and purchases inside them.',
    },
    redeem: {
      fa: 'در Play Store روی عکس حساب بزنید، «Payments & subscriptions» و بعد «Redeem code».',
      en: 'In Play Store tap your picture, Payments & subscriptions, Redeem code.',
    },
    art: { from: '#0d5b66', to: '#031b20', accent: '#6fffd8', motif: 'peaks', glyph: 'phone' },
    offers: [
      ['US', 'USD', [5, 10, 25, 50]],
      ['TR', 'TRY', [100, 250, 500]],
      ['GB', 'GBP', [10, 25]],
    ],
    isFeatured: true,
  },
  {
    slug: 'razer-gold',
    name: { fa: 'گیفت کارت ریزر گلد', en: 'Razer Gold PIN' },
    brand: 'Razer Gold',
    platform: 'pc',
    categorySlug: 'pc-gift-cards',
    aliases: ['ریزر گلد', 'ریزرگلد', 'rezer gold', 'razer pin'],
    spend: {
      fa: 'با یک موجودی در صدها بازی خرید کنید؛ از پابجی تا گنشین.',
      en: 'One balance for hundreds of games, from PUBG to Genshin.',
    },
    redeem: {
      fa: 'در gold.razer.com وارد شوید، «Reload» و بعد «Razer Gold PIN» را بزنید.',
      en: 'At gold.razer.com choose Reload, then Razer Gold PIN.',
    },
    art: { from: '#31401a', to: '#0c1006', accent: '#c6ff3d', motif: 'circuit', glyph: 'coin' },
    offers: [
      ['GLOBAL', 'USD', [5, 10, 20, 50]],
      ['TR', 'TRY', [100, 250, 500]],
    ],
  },
  {
    slug: 'roblox',
    name: { fa: 'گیفت کارت روبلاکس', en: 'Roblox Gift Card' },
    brand: 'Roblox',
    platform: 'roblox',
    categorySlug: 'pc-gift-cards',
    aliases: ['روبلاکس', 'روبلکس', 'robux', 'روباکس', 'roblax'],
    spend: { fa: 'به روباکس یا اشتراک پریمیوم تبدیل می‌شود.', en: 'Turns into Robux or a Premium subscription.' },
    redeem: {
      fa: 'در roblox.com/redeem وارد حساب شوید و کد را وارد کنید.',
      en: 'Sign in at roblox.com/redeem and enter the code.',
    },
    art: { from: '#5a2b9c', to: '#1a0b33', accent: '#ffb35c', motif: 'pixels', glyph: 'blocks' },
    offers: [['GLOBAL', 'USD', [10, 20, 25, 50]]],
    isFeatured: true,
  },
  {
    slug: 'riot',
    name: { fa: 'گیفت کارت رایت گیمز', en: 'Riot Games Gift Card' },
    brand: 'Riot',
    platform: 'pc',
    categorySlug: 'pc-gift-cards',
    aliases: ['رایت', 'رایوت', 'valorant', 'ولورانت', 'والورانت', 'league of legends', 'لیگ آف لجندز', 'vp', 'rp'],
    spend: {
      fa: 'ولورانت پوینت یا رایت پوینت؛ خودتان انتخاب می‌کنید.',
      en: 'VALORANT Points or Riot Points, as you choose.',
    },
    redeem: {
      fa: 'در کلاینت بازی، فروشگاه را باز کنید و در «Prepaid cards & codes» کد را وارد کنید.',
      en: 'In the client open the store and enter it under Prepaid cards & codes.',
    },
    art: { from: '#8a1f2d', to: '#1f070b', accent: '#ff6a5c', motif: 'rays', glyph: 'target' },
    offers: [
      ['TR', 'TRY', [100, 250, 500]],
      ['EU', 'EUR', [10, 20, 50]],
    ],
  },
  {
    slug: 'battle-net',
    name: { fa: 'گیفت کارت بتل‌نت', en: 'Battle.net Gift Card' },
    brand: 'Battle.net',
    platform: 'pc',
    categorySlug: 'pc-gift-cards',
    aliases: ['بتل نت', 'بلیزارد', 'blizzard', 'overwatch', 'wow', 'batel net'],
    spend: {
      fa: 'موجودی حساب بتل‌نت برای وارکرفت، اورواچ، دیابلو و کالاف.',
      en: 'Battle.net balance for Warcraft, Overwatch, Diablo and Call of Duty.',
    },
    redeem: {
      fa: 'در account.battle.net بخش «Redeem a Code» را باز کنید.',
      en: 'Open Redeem a Code at account.battle.net.',
    },
    art: { from: '#0b3d7a', to: '#04122a', accent: '#46d4ff', motif: 'stars', glyph: 'sword' },
    offers: [
      ['US', 'USD', [20, 50, 100]],
      ['EU', 'EUR', [20, 50]],
    ],
    followsRate: true,
  },
];

/** One product for each card and region, as people look for them: «استیم ترکیه». */
export const giftCards: DemoProduct[] = families.flatMap((family) =>
  family.offers.map(([region, currency, values], index): DemoProduct => {
    const place = regionNames[region] ?? { fa: region, en: region };
    const isGlobal = region === 'GLOBAL';
    return {
      slug: `${family.slug}-gift-card-${region.toLowerCase()}`,
      title: { fa: `${family.name.fa} ${place.fa}`, en: `${family.name.en} ${place.en}` },
      summary: family.spend,
      description: describe(
        {
          fa: `${family.spend.fa} کد را چند ثانیه بعد از پرداخت در صفحه سفارش می‌بینید.`,
          en: `${family.spend.en} You see the code seconds after paying.`,
        },
        isGlobal
          ? {
              fa: 'این کارت در همه کشورها فعال می‌شود و به ریجن حساب شما بستگی ندارد.',
              en: 'This card works in every country, whatever the region of your account.',
            }
          : {
              fa: `این کارت فقط روی حسابی فعال می‌شود که کشورش ${place.fa} باشد. پیش از خرید، کشور حسابتان را در تنظیمات ببینید.`,
              en: `It works only with an account whose country is ${place.en}. Check your account's country before you buy.`,
            },
      ),
      activationGuide: {
        fa: [
          isGlobal ? 'وارد حساب خود شوید.' : `مطمئن شوید کشور حساب شما ${place.fa} است.`,
          family.redeem.fa,
          'کد را بدون فاصله وارد و تأیید کنید؛ موجودی همان لحظه اضافه می‌شود.',
        ],
        en: [
          isGlobal ? 'Sign in to your account.' : `Make sure that the country of your account is ${place.en}.`,
          family.redeem.en,
          'Enter the code and confirm; the balance is there at once.',
        ],
      },
      type: 'gift_card',
      brand: family.brand,
      platform: family.platform,
      categorySlug: family.categorySlug,
      aliases: [...family.aliases, `${family.aliases[0] ?? ''} ${place.fa}`, 'gift card', 'گیفت'],
      isFeatured: (family.isFeatured ?? false) && index === 0,
      accountRule: null,
      art: { ...family.art, label: region },
      variants: cardVariants(family.slug.toUpperCase(), region, currency, values, 40).map((variant) =>
        family.followsRate
          ? { ...variant, cost: { currency: RateCurrency.parse(currency), costMinor: variant.faceValue } }
          : variant,
      ),
    };
  }),
);
