// SPDX-License-Identifier: Apache-2.0
// What Prometheus is told. Nothing here names a user or an image.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Meters = {
  readonly registry: Registry;
  readonly requests: Counter<'route' | 'status'>;
  readonly latency: Histogram<'route'>;
  readonly jobs: Counter<'job' | 'result'>;
  readonly jobSeconds: Histogram<'job'>;
  readonly running: Gauge<'job'>;
  readonly waiting: Gauge;
  readonly deliveredBytes: Counter<'system'>;
};

export function createMeters(): Meters {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'slipway_gateway_' });
  const registers = [registry];
  const prefix = 'slipway_gateway';
  return {
    registry,
    requests: new Counter({
      name: `${prefix}_requests_total`,
      help: 'Requests answered',
      labelNames: ['route', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: `${prefix}_request_seconds`,
      help: 'Time from a request to its answer',
      labelNames: ['route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    jobs: new Counter({ name: `${prefix}_jobs_total`, help: 'Jobs ended', labelNames: ['job', 'result'], registers }),
    jobSeconds: new Histogram({
      name: `${prefix}_job_seconds`,
      help: 'Time that jobs took',
      labelNames: ['job'],
      buckets: [0.1, 1, 5, 15, 60, 300, 1200, 3600],
      registers,
    }),
    running: new Gauge({ name: `${prefix}_jobs_running`, help: 'Jobs at work here', labelNames: ['job'], registers }),
    waiting: new Gauge({ name: `${prefix}_records_unfinished`, help: 'Records neither READY nor EXPIRED', registers }),
    deliveredBytes: new Counter({
      name: `${prefix}_delivered_bytes_total`,
      help: 'Bytes of images delivered',
      labelNames: ['system'],
      registers,
    }),
  };
}
