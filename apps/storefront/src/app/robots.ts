import type { MetadataRoute } from 'next';
import { shopUrl } from '../lib/gateway.ts';

export const dynamic = 'force-dynamic';

export default function robots(): MetadataRoute.Robots {
  return {
    rules: [
      {
        userAgent: '*',
        allow: '/',
        disallow: [
          '/api/',
          '/cart',
          '/checkout',
          '/orders',
          '/payment',
          '/sign-in',
          '/wallet',
          '/en/cart',
          '/en/checkout',
          '/en/orders',
          '/en/payment',
          '/en/sign-in',
          '/en/wallet',
        ],
      },
    ],
    sitemap: `${shopUrl}/sitemap.xml`,
  };
}
