import { startGateway } from '@kelid/gateway/service';
import { setTimeout as sleep } from 'node:timers/promises';
import { presentOnly } from '@kelid/service/environment';
import { startHost } from '@kelid/service/host';
import { ConfigError } from '@kelid/service/host-config';
import { withDatabaseUrls } from '@kelid/service/postgres/provision';
import { serviceNames } from '@kelid/contracts/all';
import { allServices } from './services.ts';

// The one backend program: SERVICES says which services it hosts (`gateway` among them), RUN whether it takes requests, jobs or both.
const env = withDatabaseUrls(presentOnly(process.env), serviceNames);
const wanted = (env['SERVICES'] ?? 'all').split(',').map((name) => name.trim());
const known = new Set(['gateway', ...allServices.map((service) => String(service.contract.name))]);
const unknown = wanted.filter((name) => name !== 'all' && !known.has(name));
if (unknown.length > 0) fail(`SERVICES names ${unknown.join(', ')}, which is none of: ${[...known].join(', ')}`);

const isWanted = (name: string) => wanted.includes('all') || wanted.includes(name);
const host = await startHost({ services: allServices.filter((service) => isWanted(service.contract.name)), env }).catch(
  (error: unknown) =>
    fail(
      error instanceof ConfigError
        ? error.message
        : `The server could not start: ${error instanceof Error ? error.message : String(error)}`,
    ),
);
const gateway =
  isWanted('gateway') && env['RUN'] !== 'jobs'
    ? await startGateway(host, env).catch((error: unknown) =>
        fail(error instanceof Error ? error.message : String(error)),
      )
    : undefined;
host.log.info({ url: gateway?.url ?? host.internalUrl }, 'ready');
process.send?.({ ready: true, gatewayUrl: gateway?.url, internalUrl: host.internalUrl });

let isClosing = false;
async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  host.announceClose();
  // Whoever sends requests here sees that it is no longer ready, and those that come meanwhile are answered as ever.
  await sleep(host.config.SHUTDOWN_WAIT_MS);
  await gateway?.close(); // Takes nothing new and finishes what it took, while the services behind it still answer.
  await host.close();
  process.exit(0);
}
process.once('SIGTERM', () => void close());
process.once('SIGINT', () => void close());
// A parent that was killed sends no signal: the closed channel is the sign.
process.once('disconnect', () => void close());

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
