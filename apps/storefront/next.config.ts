import type { NextConfig } from 'next';

const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  transpilePackages: ['@kelid/contracts', '@kelid/persian'],
  // Types are checked by `npm run check`: the build's own checker does not know this version of TypeScript.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  productionBrowserSourceMaps: false,
};

export default config;
