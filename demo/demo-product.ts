import type { RateCurrency } from '@kelid/contracts/catalog';
import type { LocalizedText } from '@kelid/contracts/common';
import type { GameAccountRule } from '@kelid/contracts/game-account';

export interface DemoCategory {
  slug: string;
  title: LocalizedText;
  parentSlug: string | null;
}

export interface DemoVariant {
  sku: string;
  title: LocalizedText;
  region: string;
  /** Minor units of faceCurrency. */
  faceValue: number;
  faceCurrency: string;
  /** What it costs us, in US cents; the demo's dollar rate makes the Rial price of it. */
  costUsdMinor: number;
  marginBasisPoints: number;
  /** What its price is made of from then on, where it follows a rate; at the simulators' first rates it is the same price. */
  cost?: { currency: RateCurrency; costMinor: number };
  demoStockCount: number;
  releasesOn?: string;
}

/** What the card's drawing is made of: colours, a pattern and a sign, never a trademark. */
export interface CardArt {
  from: string;
  to: string;
  accent: string;
  motif: 'waves' | 'orbits' | 'hexes' | 'stars' | 'pixels' | 'circuit' | 'peaks' | 'rays';
  glyph:
    | 'gamepad'
    | 'console'
    | 'phone'
    | 'crown'
    | 'coin'
    | 'gem'
    | 'ticket'
    | 'wallet'
    | 'headset'
    | 'target'
    | 'car'
    | 'sword'
    | 'ball'
    | 'blocks';
  label: string;
}

export interface DemoProduct {
  slug: string;
  title: LocalizedText;
  summary: LocalizedText;
  description: LocalizedText;
  activationGuide: { fa: string[]; en: string[] };
  type: 'gift_card' | 'game_key' | 'game_credit' | 'digital_item';
  brand: string;
  platform: string;
  categorySlug: string;
  aliases: string[];
  isFeatured: boolean;
  accountRule: GameAccountRule | null;
  art: CardArt;
  variants: DemoVariant[];
}
