import { z } from 'zod';
import { addressRanges, type IsTrusted } from '@kelid/service/ip-network';

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );
const perMinute = (value: number) => z.coerce.number().int().min(1).max(100_000_000).default(value);

export const GatewayConfig = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** Exact origins that browsers may call from; none by default. */
  GATEWAY_CORS_ORIGINS: list,
  /** Addresses and ranges (10.0.0.0/8) whose X-Forwarded-For is believed: the shop's own web server and the proxy in front. */
  GATEWAY_TRUSTED_PROXIES: list.transform((texts, problem): IsTrusted => {
    try {
      return addressRanges(texts);
    } catch (error) {
      problem.addIssue(error instanceof Error ? error.message : 'not a list of addresses');
      return z.NEVER;
    }
  }),
  /** Where browsers and programs find this gateway. Behind https they are told to come back that way only. */
  GATEWAY_PUBLIC_URL: z
    .string()
    .optional()
    .transform((text) => text || undefined),
  GATEWAY_CACHE_MB: z.coerce.number().int().min(0).max(4_096).default(256),
  GATEWAY_ANONYMOUS_PER_MINUTE: perMinute(120),
  GATEWAY_USER_PER_MINUTE: perMinute(300),
  REDIS_URL: z.string().optional(),
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;
