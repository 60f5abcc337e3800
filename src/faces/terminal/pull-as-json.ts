// SPDX-License-Identifier: Apache-2.0
// A pull as JSON lines on stdout: each event with the time it was emitted, sizes in bytes.
import type { FaceEnvironment } from './environment.ts';
import type { PullReporter } from './pull-reporter.ts';

// Of one blob or of the conversion; the last state always comes with blob-done and stored.
const leastIntervalMs = 250;

export function reportPullAsJson(environment: FaceEnvironment): PullReporter {
  const { clock, stdout } = environment;
  const saidMs = new Map<string, number>();
  return {
    emit: (event) => {
      if (event.type === 'blob-progress' || event.type === 'convert-progress') {
        const subject = event.type === 'blob-progress' ? event.digest : event.type;
        const nowMs = clock.monotonicMs();
        if (nowMs - (saidMs.get(subject) ?? -Infinity) < leastIntervalMs) return;
        saidMs.set(subject, nowMs);
      }
      stdout.write(`${JSON.stringify({ time: clock.now().toISOString(), ...event })}\n`);
    },
    close: () => undefined,
  };
}
