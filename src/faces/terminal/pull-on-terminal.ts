// SPDX-License-Identifier: Apache-2.0
// A pull as a live view: a line for each layer, one for all of them, one for the conversion.
import type { Capabilities } from './capabilities.ts';
import type { FaceEnvironment } from './environment.ts';
import { type BlockLine, createLiveBlock } from './live-block.ts';
import { printable } from './printable.ts';
import { noteLine, progressLine } from './progress-bar.ts';
import {
  type LayerProgress,
  type PullProgress,
  afterPullEvent,
  shortDigest,
  startOfPull,
  totalOf,
} from './pull-progress.ts';
import { noticeLine, presentLine, storedLine } from './pull-lines.ts';
import type { PullReporter } from './pull-reporter.ts';
import { type RateMeter, createRateMeter } from './rate-meter.ts';
import { formatSize } from './units.ts';

const redrawMs = 100;

export function reportPullOnTerminal(environment: FaceEnvironment, capabilities: Capabilities): PullReporter {
  const { clock, stderr } = environment;
  const block = createLiveBlock(stderr, capabilities.hasColor);
  let progress: PullProgress = startOfPull;
  let startedMs = clock.monotonicMs();
  let rates = new Map<string, RateMeter>();
  let isChanged = false;
  let isOver = false;

  const redraw = (): void => {
    if (isOver || !isChanged) return;
    block.draw(
      pullView(progress, { ...stderr.size(), rates, atMs: clock.monotonicMs(), isUnicode: capabilities.isUnicode }),
    );
  };
  // Drawn by the clock and not by the events: at most ten times a second, and a stall shows as a falling rate.
  const stop = environment.every(redrawMs, redraw);
  const say = (line: string): void => {
    block.clear();
    stderr.write(`${line}\n`);
  };

  return {
    emit: (event) => {
      progress = afterPullEvent(progress, event);
      isChanged = true;
      const nowMs = clock.monotonicMs();
      const note = (subject: string, doneBytes: number): void => {
        const meter = rates.get(subject) ?? createRateMeter();
        rates.set(subject, meter);
        meter.note(doneBytes, nowMs);
      };
      if (event.type === 'resolving') {
        startedMs = nowMs;
        rates = new Map();
        isOver = false;
      } else if (event.type === 'blob-progress') {
        note(event.digest, event.doneBytes);
      } else if (event.type === 'convert-progress') {
        note('convert', event.doneBytes);
      } else if (event.type === 'stored') {
        isOver = true;
        say(storedLine(event, progress, nowMs - startedMs));
      } else if (event.type === 'already-present') {
        isOver = true;
        say(presentLine(event));
      } else {
        const notice = noticeLine(event);
        if (notice !== undefined) say(notice);
      }
      if (event.type === 'blob-progress' || event.type === 'blob-done') note('total', totalOf(progress).doneBytes);
    },
    close: () => {
      isOver = true;
      stop();
      block.clear();
    },
  };
}

type ViewOptions = {
  readonly columns: number;
  readonly rows: number;
  readonly rates: ReadonlyMap<string, RateMeter>;
  readonly atMs: number;
  readonly isUnicode: boolean;
};

/** The lines that show `progress`, as many as the terminal has room for. */
function pullView(progress: PullProgress, options: ViewOptions): readonly BlockLine[] {
  const measured = (label: string, subject: string, doneBytes: number, totalBytes: number): string => {
    const bytesPerSecond = options.rates.get(subject)?.bytesPerSecond(options.atMs);
    return progressLine(label, { doneBytes, totalBytes, bytesPerSecond }, options.columns - 1, options.isUnicode);
  };
  const layerLine = (layer: LayerProgress): BlockLine => {
    const label = shortDigest(layer.digest);
    switch (layer.state) {
      case 'waiting':
        return { text: noteLine(label, `waiting, ${formatSize(layer.totalBytes)}`), style: 'dim' };
      case 'done':
        return { text: noteLine(label, `done, ${formatSize(layer.totalBytes)}`), style: 'dim' };
      case 'present':
        return { text: noteLine(label, `already here, ${formatSize(layer.totalBytes)}`), style: 'dim' };
      case 'loading':
        return { text: measured(label, layer.digest, layer.doneBytes, layer.totalBytes) };
      default:
        throw new Error(`unknown state ${String(layer.state satisfies never)}`);
    }
  };

  const platform = progress.platform === undefined ? '' : ` for ${printable(progress.platform)}`;
  const doing = progress.layers.length === 0 ? 'asking the registry' : 'pulling';
  const head: BlockLine = { text: `${printable(progress.reference ?? '')}${platform}: ${doing}`, style: 'bold' };
  const total = totalOf(progress);
  const isLoaded = progress.layers.length > 0 && total.doneBytes >= total.totalBytes;
  const foot: BlockLine[] = [
    ...(total.totalBytes === 0
      ? []
      : [
          isLoaded
            ? { text: noteLine('total', `done, ${formatSize(total.totalBytes)}`), style: 'dim' as const }
            : { text: measured('total', 'total', total.doneBytes, total.totalBytes) },
        ]),
    ...(isLoaded ? [{ text: conversionText(progress, measured) }] : []),
    ...(progress.waitingFor === undefined ? [] : [{ text: `  waiting for ${printable(progress.waitingFor)}` }]),
  ];
  // The cursor's row stays free.
  const room = options.rows - 1 - 1 - foot.length;
  if (progress.layers.length <= room) return [head, ...progress.layers.map(layerLine), ...foot];

  const loading = progress.layers.filter((layer) => layer.state === 'loading').slice(0, Math.max(0, room - 1));
  const count = (...states: readonly LayerProgress['state'][]): number =>
    progress.layers.filter((layer) => states.includes(layer.state)).length;
  const rest = noteLine(
    'layers',
    `${count('done', 'present')} of ${progress.layers.length} done, ${count('waiting')} waiting`,
  );
  return [head, ...loading.map(layerLine), { text: rest, style: 'dim' }, ...foot];
}

function conversionText(
  { conversion }: PullProgress,
  measured: (label: string, subject: string, doneBytes: number, totalBytes: number) => string,
): string {
  // Layers are first read for what they hold; how much will be written is known after that.
  if (conversion === undefined) return noteLine('convert', 'reading the layers');
  return measured('convert', 'convert', conversion.doneBytes, conversion.totalBytes);
}
