import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  operationSeconds: Histogram<'service' | 'operation' | 'status'>;
  eventSeconds: Histogram<'service' | 'event' | 'outcome'>;
  sweptRows: Counter<'service' | 'sweep'>;
  poolConnections: Gauge<'service' | 'state'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'kelid_' });
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
  return {
    registry,
    operationSeconds: new Histogram({
      name: 'kelid_operation_seconds',
      help: 'Time of operations',
      labelNames: ['service', 'operation', 'status'],
      buckets,
      registers: [registry],
    }),
    eventSeconds: new Histogram({
      name: 'kelid_event_seconds',
      help: 'Time of event handlers',
      labelNames: ['service', 'event', 'outcome'],
      buckets,
      registers: [registry],
    }),
    sweptRows: new Counter({
      name: 'kelid_swept_rows_total',
      help: 'Rows that sweeps moved on',
      labelNames: ['service', 'sweep'],
      registers: [registry],
    }),
    poolConnections: new Gauge({
      name: 'kelid_pool_connections',
      help: 'Database connections',
      labelNames: ['service', 'state'],
      registers: [registry],
    }),
  };
}
