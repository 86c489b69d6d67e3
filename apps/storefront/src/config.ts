import { presentOnly } from '@kelid/service/environment';
import { z } from 'zod';

/** What the shop's own server reads of its environment; README.md says what each is for. */
export const ShopConfig = z.object({
  GATEWAY_URL: z.url().default('http://127.0.0.1:8080'),
  GATEWAY_PUBLIC_URL: z.url().default('http://localhost:8080'),
  SHOP_URL: z.url().default('http://localhost:3000'),
  SHOP_HOST: z.string().default('127.0.0.1'),
  SHOP_PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  SHOP_TRUSTED_PROXIES: z.string().default(''),
  BANK_ORIGINS: z.string().default('https://payment.zarinpal.com https://sandbox.zarinpal.com https://bpm.shaparak.ir'),
});

export const config = ShopConfig.parse(presentOnly(process.env));
