import { addressRanges } from '@kelid/service/ip-network';
import { config } from './src/config.ts';
import { createShopServer } from './src/shop-server.ts';

// The shop's own server around Next's pages. Before them it knows who visits, how long and how much they may send, and after them it says
// with which status a page is refused.

Object.assign(process.env, { NODE_ENV: process.env['NODE_ENV'] || 'production' });
const { SHOP_HOST: hostname, SHOP_PORT: port } = config;
const trustedProxies = config.SHOP_TRUSTED_PROXIES.split(',').map((text) => text.trim());

const { default: next } = await import('next');
const app = next({ dev: false, dir: import.meta.dirname, hostname, port });
const answer = app.getRequestHandler();
const server = createShopServer(answer, {
  isTrusted: addressRanges(trustedProxies.filter(Boolean)),
  isSecure: config.SHOP_URL.startsWith('https:'),
});
await app.prepare();
server.listen(port, hostname, () => console.log(`The shop's pages: http://${hostname}:${port}`));

let isClosing = false;
function close(): void {
  if (isClosing) return;
  isClosing = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), 10_000).unref(); // Who is still being served after that has had time enough.
}
process.once('SIGTERM', close);
process.once('SIGINT', close);
// A parent that was killed sends no signal: the closed channel is the sign.
process.once('disconnect', close);
