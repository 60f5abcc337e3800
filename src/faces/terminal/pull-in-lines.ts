// SPDX-License-Identifier: Apache-2.0
// A pull as lines that are never drawn over: for logs, batch jobs and terminals that can't redraw.
import { formatSize, formatCount } from './units.ts';
import type { FaceEnvironment } from './environment.ts';
import { printable } from './printable.ts';
import { type PullProgress, afterPullEvent, startOfPull, totalOf } from './pull-progress.ts';
import { noticeLine, presentLine, storedLine } from './pull-lines.ts';
import type { PullReporter } from './pull-reporter.ts';

// In a job's log, a sign of life now and then.
const stillGoingMs = 30_000;

export function reportPullInLines(
  environment: FaceEnvironment,
  { isQuiet }: { readonly isQuiet: boolean },
): PullReporter {
  const { clock, stderr } = environment;
  let progress: PullProgress = startOfPull;
  let startedMs = clock.monotonicMs();
  let saidMs = startedMs;
  const say = (line: string): void => {
    saidMs = clock.monotonicMs();
    stderr.write(`${line}\n`);
  };
  return {
    emit: (event) => {
      progress = afterPullEvent(progress, event);
      const notice = noticeLine(event);
      if (notice !== undefined && (!isQuiet || event.type === 'warning')) say(notice);
      if (isQuiet) return;
      switch (event.type) {
        case 'resolving':
          startedMs = clock.monotonicMs();
          break;
        case 'resolved': {
          const { totalBytes } = totalOf(progress);
          const layers = formatCount(event.layers.length, 'layer');
          say(
            `${printable(event.reference)}: ${event.digest} for ${printable(event.platform)}, ${layers}, ${formatSize(totalBytes)}`,
          );
          break;
        }
        case 'already-present':
          say(presentLine(event));
          break;
        case 'waiting-for-lock':
          say(`waiting for ${printable(event.what)}, held by ${printable(event.heldBy)}`);
          break;
        case 'blob-done':
          say(`layer ${event.digest} ${formatSize(event.sizeBytes)} ${event.wasCached ? 'already here' : 'done'}`);
          break;
        case 'converting':
          say(`converting ${formatCount(event.entries, 'entry', 'entries')}, ${formatSize(event.contentBytes)}`);
          break;
        case 'stored':
          say(storedLine(event, progress, clock.monotonicMs() - startedMs));
          break;
        case 'blob-progress':
        case 'convert-progress':
          if (clock.monotonicMs() - saidMs >= stillGoingMs) say(stillGoing(progress));
          break;
        case 'retrying':
        case 'verified':
        case 'warning':
          break;
        default:
          throw new Error(`unknown event ${String(event satisfies never)}`);
      }
    },
    close: () => undefined,
  };
}

function stillGoing(progress: PullProgress): string {
  const { doneBytes, totalBytes } = totalOf(progress);
  if (progress.conversion !== undefined && doneBytes >= totalBytes) {
    return `converted ${formatSize(progress.conversion.doneBytes)} of ${formatSize(progress.conversion.totalBytes)}`;
  }
  return `downloaded ${formatSize(doneBytes)} of ${formatSize(totalBytes)}`;
}
