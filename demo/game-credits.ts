import type { LocalizedText } from '@kelid/contracts/common';
import type { GameAccountRule } from '@kelid/contracts/game-account';
import type { CardArt, DemoProduct } from './demo-product.ts';
import { creditVariants, describe } from './wording.ts';

interface Game {
  slug: string;
  /** Topped up directly, by the player's number; the others are sold as codes. */
  accountRule?: GameAccountRule;
  title: LocalizedText;
  brand: string;
  platform: string;
  categorySlug: string;
  unit: LocalizedText;
  aliases: string[];
  use: LocalizedText;
  art: CardArt;
  packs: [amount: number, costUsdMinor: number][];
  isFeatured?: boolean;
}

const games: Game[] = [
  {
    slug: 'pubg-mobile-uc',
    accountRule: 'pubg-mobile',
    title: { fa: 'یوسی پابجی موبایل', en: 'PUBG Mobile UC' },
    brand: 'PUBG',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'یوسی', en: 'UC' },
    aliases: ['پابجی', 'یوسی', 'uc', 'pabji', 'یو سی پابجی', 'royal pass', 'رویال پس'],
    use: { fa: 'برای رویال‌پس، لباس و اسکین اسلحه.', en: 'For the Royale Pass, outfits and weapon skins.' },
    art: { from: '#6b4a12', to: '#1c1203', accent: '#ffcf5c', motif: 'rays', glyph: 'target', label: 'UC' },
    packs: [
      [60, 90],
      [325, 450],
      [660, 900],
      [1800, 2250],
      [3850, 4500],
    ],
    isFeatured: true,
  },
  {
    slug: 'free-fire-diamonds',
    accountRule: 'free-fire',
    title: { fa: 'جم فری فایر', en: 'Free Fire Diamonds' },
    brand: 'Free Fire',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'جم', en: 'Diamonds' },
    aliases: ['فری فایر', 'الماس فری فایر', 'free fayer', 'جم'],
    use: { fa: 'برای شخصیت، اسکین و عضویت هفتگی.', en: 'For characters, skins and the weekly membership.' },
    art: { from: '#8a3413', to: '#210b03', accent: '#ffa14a', motif: 'peaks', glyph: 'gem', label: 'GEMS' },
    packs: [
      [100, 95],
      [310, 285],
      [520, 475],
      [1060, 950],
      [2180, 1900],
    ],
    isFeatured: true,
  },
  {
    slug: 'call-of-duty-mobile-cp',
    title: { fa: 'سی‌پی کالاف دیوتی موبایل', en: 'Call of Duty Mobile CP' },
    brand: 'Call of Duty',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'سی‌پی', en: 'CP' },
    aliases: ['کالاف', 'کالاف موبایل', 'cp', 'سی پی', 'calaf', 'codm', 'بتل پس کالاف'],
    use: { fa: 'برای بتل‌پس، اسلحه افسانه‌ای و لوت‌باکس.', en: 'For the Battle Pass, legendary weapons and draws.' },
    art: { from: '#3a4230', to: '#0d0f0a', accent: '#b9e25a', motif: 'circuit', glyph: 'target', label: 'CP' },
    packs: [
      [88, 99],
      [460, 480],
      [960, 960],
      [2600, 2400],
      [5400, 4800],
    ],
    isFeatured: true,
  },
  {
    slug: 'genshin-genesis-crystals',
    accountRule: 'genshin-impact',
    title: { fa: 'کریستال گنشین ایمپکت', en: 'Genshin Genesis Crystals' },
    brand: 'Genshin Impact',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'کریستال', en: 'Crystals' },
    aliases: ['گنشین', 'جنشین', 'genshin', 'ولکین', 'welkin'],
    use: { fa: 'برای آرزو (Wish) و لباس شخصیت‌ها.', en: 'For Wishes and character outfits.' },
    art: { from: '#274a7d', to: '#0b1730', accent: '#9fe2ff', motif: 'stars', glyph: 'gem', label: 'CRYSTAL' },
    packs: [
      [60, 95],
      [330, 480],
      [1090, 1440],
      [2240, 2850],
      [3880, 4750],
    ],
  },
  {
    slug: 'mobile-legends-diamonds',
    accountRule: 'mobile-legends',
    title: { fa: 'دایموند موبایل لجندز', en: 'Mobile Legends Diamonds' },
    brand: 'Mobile Legends',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'دایموند', en: 'Diamonds' },
    aliases: ['موبایل لجند', 'mlbb', 'موبایل لجندز'],
    use: { fa: 'برای هیرو، اسکین و استارلایت.', en: 'For heroes, skins and Starlight.' },
    art: { from: '#3d2a80', to: '#110a2b', accent: '#c59bff', motif: 'hexes', glyph: 'crown', label: 'ML' },
    packs: [
      [86, 150],
      [172, 300],
      [257, 450],
      [706, 1180],
    ],
  },
  {
    slug: 'clash-of-clans-gems',
    title: { fa: 'جم کلش آف کلنز', en: 'Clash of Clans Gems' },
    brand: 'Supercell',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'جم', en: 'Gems' },
    aliases: ['کلش', 'کلش اف کلنز', 'clash', 'coc', 'گلد پس'],
    use: { fa: 'برای ساخت سریع‌تر و گلدپس.', en: 'For faster building and the Gold Pass.' },
    art: { from: '#1d6b3a', to: '#06200f', accent: '#ffd34d', motif: 'peaks', glyph: 'crown', label: 'GEMS' },
    packs: [
      [80, 99],
      [500, 499],
      [1200, 999],
      [2500, 1999],
    ],
    isFeatured: true,
  },
  {
    slug: 'clash-royale-gems',
    title: { fa: 'جم کلش رویال', en: 'Clash Royale Gems' },
    brand: 'Supercell',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'جم', en: 'Gems' },
    aliases: ['کلش رویال', 'royale', 'پس رویال'],
    use: { fa: 'برای صندوق، کارت و پس رویال.', en: 'For chests, cards and the Pass Royale.' },
    art: { from: '#1c4fa0', to: '#071a3d', accent: '#ffb84d', motif: 'rays', glyph: 'crown', label: 'GEMS' },
    packs: [
      [80, 99],
      [500, 499],
      [1200, 999],
    ],
  },
  {
    slug: 'brawl-stars-gems',
    title: { fa: 'جم براول استارز', en: 'Brawl Stars Gems' },
    brand: 'Supercell',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'جم', en: 'Gems' },
    aliases: ['براول', 'براول استارز', 'brawl'],
    use: { fa: 'برای براولر، اسکین و براول‌پس.', en: 'For brawlers, skins and the Brawl Pass.' },
    art: { from: '#7a2a8f', to: '#210a28', accent: '#ffe14d', motif: 'stars', glyph: 'gem', label: 'GEMS' },
    packs: [
      [30, 199],
      [80, 499],
      [170, 999],
    ],
  },
  {
    slug: 'efootball-coins',
    title: { fa: 'سکه ای‌فوتبال', en: 'eFootball Coins' },
    brand: 'eFootball',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'سکه', en: 'Coins' },
    aliases: ['ای فوتبال', 'پس موبایل', 'pes', 'efootball', 'کوین'],
    use: { fa: 'برای بازیکن ویژه و مچ‌پس.', en: 'For special players and the Match Pass.' },
    art: { from: '#154a8a', to: '#05152b', accent: '#fff45c', motif: 'waves', glyph: 'ball', label: 'COINS' },
    packs: [
      [130, 99],
      [300, 199],
      [1050, 699],
      [2130, 1399],
    ],
  },
  {
    slug: 'fc-mobile-points',
    title: { fa: 'اف‌سی پوینت موبایل', en: 'FC Mobile Points' },
    brand: 'EA Sports',
    platform: 'mobile',
    categorySlug: 'mobile-credits',
    unit: { fa: 'پوینت', en: 'Points' },
    aliases: ['فیفا موبایل', 'fifa mobile', 'fc mobile', 'اف سی'],
    use: { fa: 'برای پک بازیکن و استارپس.', en: 'For player packs and the Star Pass.' },
    art: { from: '#0c6b52', to: '#03201a', accent: '#5cffc4', motif: 'hexes', glyph: 'ball', label: 'POINTS' },
    packs: [
      [100, 99],
      [520, 499],
      [1070, 999],
    ],
  },
  {
    slug: 'fortnite-v-bucks',
    title: { fa: 'وی‌باکس فورتنایت', en: 'Fortnite V-Bucks' },
    brand: 'Fortnite',
    platform: 'pc',
    categorySlug: 'pc-credits',
    unit: { fa: 'وی‌باکس', en: 'V-Bucks' },
    aliases: ['فورتنایت', 'fortnite', 'vbucks', 'وی باکس', 'fort nayt'],
    use: { fa: 'برای بتل‌پس، اسکین و رقص.', en: 'For the Battle Pass, outfits and emotes.' },
    art: { from: '#5a2ca8', to: '#170a30', accent: '#5ce1ff', motif: 'stars', glyph: 'coin', label: 'V' },
    packs: [
      [1000, 800],
      [2800, 2000],
      [5000, 3200],
      [13500, 8000],
    ],
    isFeatured: true,
  },
  {
    slug: 'valorant-points',
    title: { fa: 'ولورانت پوینت', en: 'VALORANT Points' },
    brand: 'Riot',
    platform: 'pc',
    categorySlug: 'pc-credits',
    unit: { fa: 'وی‌پی', en: 'VP' },
    aliases: ['ولورانت', 'والورانت', 'valorant', 'vp', 'volorant'],
    use: { fa: 'برای اسکین اسلحه و بتل‌پس.', en: 'For weapon skins and the Battle Pass.' },
    art: { from: '#8f2434', to: '#22070c', accent: '#ff7a6e', motif: 'circuit', glyph: 'target', label: 'VP' },
    packs: [
      [475, 420],
      [1000, 840],
      [2050, 1680],
      [3650, 2900],
    ],
    isFeatured: true,
  },
  {
    slug: 'apex-coins',
    title: { fa: 'کوین اپکس لجندز', en: 'Apex Coins' },
    brand: 'EA',
    platform: 'pc',
    categorySlug: 'pc-credits',
    unit: { fa: 'کوین', en: 'Coins' },
    aliases: ['اپکس', 'apex', 'اپکس لجندز'],
    use: { fa: 'برای بتل‌پس و پک ایپکس.', en: 'For the Battle Pass and Apex Packs.' },
    art: { from: '#7a1616', to: '#1c0404', accent: '#ff9466', motif: 'peaks', glyph: 'target', label: 'APEX' },
    packs: [
      [1000, 899],
      [2150, 1799],
      [4350, 3599],
    ],
  },
  {
    slug: 'ea-fc-points',
    title: { fa: 'اف‌سی پوینت', en: 'EA FC Points' },
    brand: 'EA Sports',
    platform: 'playstation',
    categorySlug: 'pc-credits',
    unit: { fa: 'پوینت', en: 'Points' },
    aliases: ['فیفا', 'fifa points', 'fc 26', 'اف سی ۲۶', 'التیمیت تیم'],
    use: { fa: 'برای پک‌های اولتیمیت تیم.', en: 'For Ultimate Team packs.' },
    art: { from: '#0a5e3c', to: '#021a10', accent: '#a5ff5c', motif: 'waves', glyph: 'ball', label: 'FC' },
    packs: [
      [500, 420],
      [1050, 830],
      [2800, 2050],
      [5900, 4100],
    ],
  },
];

const byCode = {
  how: {
    fa: 'کد را در فروشگاه رسمی بازی وارد می‌کنید؛ رمز حسابتان را از شما نمی‌خواهیم.',
    en: "You enter the code in the game's own store; we never ask for your password.",
  },
  note: {
    fa: 'کد در همه سرورها فعال می‌شود، جز سرور چین. پیش از خرید مطمئن شوید با همان حسابی وارد بازی شده‌اید که می‌خواهید شارژ شود.',
    en: 'The code works on every server but the Chinese one. Make sure you are signed in with the account you want to top up.',
  },
  guide: {
    fa: [
      'وارد سایت شارژ رسمی بازی شوید و حساب یا شناسه بازیکن را وارد کنید.',
      'گزینه «Redeem Code» را بزنید و کد را وارد کنید.',
      'بازی را یک بار ببندید و باز کنید تا اعتبار دیده شود.',
    ],
    en: [
      "Open the game's official top-up site and enter your account or player id.",
      'Choose Redeem Code and enter the code.',
      'Restart the game once to see the balance.',
    ],
  },
};
const byAccount = {
  refund: {
    fa: 'تا وقتی شارژ به بازی نرسیده، مبلغ به کیف پولتان برمی‌گردد. اگر شارژ نرسید، از صفحه سفارش به ما بگویید.',
    en: 'Until the top-up has reached the game the money goes back to your wallet. If it does not arrive, tell us from the order page.',
  },
  how: {
    fa: 'فقط شناسه بازیکن را می‌دهید و شارژ مستقیم به حسابتان می‌رسد؛ رمز حساب لازم نیست.',
    en: 'You give your player id only and the top-up goes straight to your account; no password is needed.',
  },
  note: {
    fa: 'پیش از پرداخت نام شما در بازی را نشان می‌دهیم؛ اگر نام خودتان نبود، شناسه را درست کنید. شارژی که به بازی رسید برنمی‌گردد.',
    en: 'Before you pay we show your name in the game; if it is not yours, correct the id. What has arrived in the game cannot be taken back.',
  },
  guide: {
    fa: [
      'در بازی، صفحه نمایه خود را باز کنید و شناسه بازیکن را کپی کنید.',
      'شناسه را در صفحه محصول وارد کنید و نام خود را ببینید.',
      'بعد از پرداخت، شارژ معمولاً در چند دقیقه به حساب می‌رسد.',
    ],
    en: [
      'Open your profile in the game and copy your player id.',
      'Enter it on the product page and check that the name is yours.',
      'After paying, the top-up usually arrives within minutes.',
    ],
  },
};

export const gameCredits: DemoProduct[] = games.map(
  ({ slug, title, brand, platform, categorySlug, unit, aliases, use, art, packs, isFeatured, accountRule }) => ({
    slug,
    title,
    summary: use,
    description: describe(
      {
        fa: `بسته ${title.fa}، ${use.fa} ${(accountRule ? byAccount : byCode).how.fa}`,
        en: `${title.en}: ${use.en} ${(accountRule ? byAccount : byCode).how.en}`,
      },
      (accountRule ? byAccount : byCode).note,
      accountRule ? byAccount.refund : undefined,
    ),
    activationGuide: (accountRule ? byAccount : byCode).guide,
    // A credit goes to an account; what comes as a code is a card.
    type: accountRule ? 'game_credit' : 'gift_card',
    brand,
    platform,
    categorySlug,
    aliases,
    isFeatured: isFeatured ?? false,
    accountRule: accountRule ?? null,
    art,
    variants: creditVariants(slug.toUpperCase(), unit, packs, 'GLOBAL', accountRule ? 0 : 30),
  }),
);
