import { z } from 'zod';
import type { AnyService } from './define-service.ts';
import { type Environment, presentOnly } from './environment.ts';

/** What a host needs of the environment, beside each service's own part. */
export const HostConfig = z.object({
  SERVICES: z.string().default('all'),
  RUN: z.enum(['api', 'jobs', 'all']).default('all'),
  /** Where other processes reach this one: their calls, readiness, metrics. Never a public address. */
  INTERNAL_HOST: z.string().default('127.0.0.1'),
  INTERNAL_PORT: z.coerce.number().int().min(0).max(65_535).default(9464),
  SERVICE_TOKEN_SECRET: z.string().min(32, 'needs 32 characters or more'),
  QUEUE_DATABASE_URL: z.string().optional(),
  REDIS_URL: z.string().optional(),
  /** How long a process that is told to end still takes requests, while its readiness is off. Longer than the proxy in front needs to see it. */
  SHUTDOWN_WAIT_MS: z.coerce.number().int().min(0).max(60_000).default(5_000),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(100).default(10),
  /** How long a job whose worker died waits before another takes it. */
  WORKER_LOCK_MS: z.coerce.number().int().min(1_000).max(300_000).default(30_000),
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(16),
});
export type HostConfig = z.infer<typeof HostConfig>;

/** One clear line for each missing or weak variable, all at once. */
export class ConfigError extends Error {}

/** All settings of a process that hosts these services, read before anything starts. */
export interface Settings {
  /** Without what is empty. */
  env: Record<string, string>;
  config: HostConfig;
  /** Each service's own part, by its name. */
  ofService: ReadonlyMap<string, unknown>;
}

/** Throws ConfigError. */
export function readSettings(services: readonly AnyService[], given: Environment): Settings {
  const env = presentOnly(given);
  const problems: string[] = [];
  const config = readConfig(HostConfig, env, problems);
  const ofService = new Map<string, unknown>();
  for (const service of services) {
    ofService.set(service.contract.name, readConfig(service.config, env, problems));
    if (env['NODE_ENV'] === 'production') problems.push(...ofThisMachine(service.config, env));
    if (!env[databaseVariable(service.contract.name)])
      problems.push(`${databaseVariable(service.contract.name)} is missing`);
  }
  problems.push(...missingPeers(services, env));
  const needsQueue = services.length > 0 && config?.RUN !== 'api';
  if (needsQueue && config && !config.REDIS_URL && !config.QUEUE_DATABASE_URL)
    problems.push('QUEUE_DATABASE_URL (or REDIS_URL) is missing');
  if (problems.length > 0 || !config)
    throw new ConfigError(`The configuration is not complete: ${[...new Set(problems)].join('; ')}`);
  return { env, config, ofService };
}

function missingPeers(services: readonly AnyService[], env: Environment): string[] {
  const hosted = new Set<string>(services.map((service) => service.contract.name));
  return services.flatMap((service) =>
    service.peers
      .filter((peer) => !hosted.has(peer) && !env[peerVariable(peer)])
      .map(
        (peer) => `${peerVariable(peer)} is missing: ${service.contract.name} calls ${peer}, which is not hosted here`,
      ),
  );
}

/** The simulators, their demo merchant, and this machine as the shop's address: right at home, and in production never by default. */
const demoDefault = /localhost|^Demo|^1{8}-|\.example/;

function ofThisMachine(schema: z.ZodType, env: Environment): string[] {
  const fields = schema instanceof z.ZodObject ? Object.entries<z.core.$ZodType>(schema.shape) : [];
  return fields.flatMap(([name, field]) => {
    const { data } = env[name] === undefined ? z.safeParse(field, undefined) : {};
    return typeof data === 'string' && demoDefault.test(data) ? [`${name} is missing`] : [];
  });
}

function readConfig<Schema extends z.ZodType>(
  schema: Schema,
  env: Environment,
  problems: string[],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const name = issue.path.join('.');
    problems.push(env[name] === undefined ? `${name} is missing` : `${name} is not right: ${issue.message}`);
  }
  return undefined;
}

export function databaseVariable(service: string): string {
  return `${service.toUpperCase()}_DATABASE_URL`;
}

export function peerVariable(service: string): string {
  return `${service.toUpperCase()}_URL`;
}
