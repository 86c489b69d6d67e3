import type { DemoCategory, DemoProduct } from './demo-product.ts';
import { gameCredits } from './game-credits.ts';
import { gameKeys } from './game-keys.ts';
import { giftCards } from './gift-cards.ts';
import { subscriptions } from './subscriptions.ts';

export const demoCategories: DemoCategory[] = [
  { slug: 'gift-cards', title: { fa: 'گیفت کارت', en: 'Gift cards' }, parentSlug: null },
  { slug: 'pc-gift-cards', title: { fa: 'کامپیوتر', en: 'PC' }, parentSlug: 'gift-cards' },
  { slug: 'console-gift-cards', title: { fa: 'کنسول', en: 'Consoles' }, parentSlug: 'gift-cards' },
  { slug: 'mobile-gift-cards', title: { fa: 'موبایل', en: 'Mobile' }, parentSlug: 'gift-cards' },
  { slug: 'game-credits', title: { fa: 'اعتبار بازی', en: 'Game credits' }, parentSlug: null },
  { slug: 'mobile-credits', title: { fa: 'بازی‌های موبایل', en: 'Mobile games' }, parentSlug: 'game-credits' },
  { slug: 'pc-credits', title: { fa: 'بازی‌های کامپیوتر', en: 'PC games' }, parentSlug: 'game-credits' },
  { slug: 'game-keys', title: { fa: 'بازی', en: 'Games' }, parentSlug: null },
  { slug: 'action-games', title: { fa: 'اکشن و ماجراجویی', en: 'Action and adventure' }, parentSlug: 'game-keys' },
  {
    slug: 'strategy-games',
    title: { fa: 'استراتژی و شبیه‌سازی', en: 'Strategy and simulation' },
    parentSlug: 'game-keys',
  },
  { slug: 'sports-games', title: { fa: 'ورزشی و مسابقه‌ای', en: 'Sports and racing' }, parentSlug: 'game-keys' },
  { slug: 'subscriptions', title: { fa: 'اشتراک', en: 'Subscriptions' }, parentSlug: null },
  { slug: 'digital-items', title: { fa: 'آیتم دیجیتال', en: 'Digital items' }, parentSlug: null },
];

export const demoProducts: DemoProduct[] = [...giftCards, ...gameCredits, ...gameKeys, ...subscriptions];
