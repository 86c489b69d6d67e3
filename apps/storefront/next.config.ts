import type { NextConfig } from 'next';

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  transpilePackages: ['@kelid/contracts', '@kelid/persian', '@kelid/service'],
  // Types are checked by `npm run check`: the build's own checker does not know this version of TypeScript.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  productionBrowserSourceMaps: false,
  // Persian is the shop's own language and has no prefix in addresses.
  rewrites: () =>
    Promise.resolve({
      beforeFiles: [
        { source: '/', destination: '/fa' },
        {
          source: '/:path((?!(?:en|fa)(?:/|$)|api/|_next/|robots\\.txt$|sitemap\\.xml$|icon\\.svg$|favicon\\.ico$).+)',
          destination: '/fa/:path',
        },
      ],
      afterFiles: [],
      fallback: [],
    }),
};

export default config;
