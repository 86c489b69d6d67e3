import { z } from 'zod';
import { gameAccountRules } from './game-account-rules.ts';

/** Where a top-up goes: the player's number in the game, and the zone or server where the game has them. */
export const GameAccount = z.strictObject({
  playerId: z.string().trim().min(3).max(40),
  zone: z.string().max(20).optional(),
});
export type GameAccount = z.infer<typeof GameAccount>;
/** As an order keeps it: with the nickname that the buyer was shown before paying; null when nobody could be asked. */
export const ShownGameAccount = z.object({
  playerId: z.string(),
  zone: z.string().nullable(),
  nickname: z.string().nullable(),
});
export type ShownGameAccount = z.infer<typeof ShownGameAccount>;

export const GameAccountRule = z.enum(Object.keys(gameAccountRules) as [keyof typeof gameAccountRules]);
export type GameAccountRule = z.infer<typeof GameAccountRule>;
