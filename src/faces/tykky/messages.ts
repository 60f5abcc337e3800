// SPDX-License-Identifier: Apache-2.0
// Tykky's messages: `[ INFO ] text`, all on standard output, how many by the log level (0 errors, 1 warnings, 2 what is
// done, 3 and 4 details with the time).
import type { WrapEvent } from '../../wrap/index.ts';
import { printable } from '../terminal/printable.ts';
import { type Paint, paint } from '../terminal/paint.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { createWrapReporter } from '../terminal/wrap-reporter.ts';

export type Messages = {
  readonly emit: (event: WrapEvent) => void;
  readonly error: (text: string) => void;
  readonly info: (text: string) => void;
  /** Ends what is drawn on a terminal. */
  readonly close: () => void;
};

type Label = 'INFO' | 'DEBUG' | 'WARNING' | 'ERROR';
const labels: Readonly<Record<Label, { readonly level: number; readonly paint: Paint }>> = {
  ERROR: { level: 0, paint: 'red' },
  WARNING: { level: 1, paint: 'yellow' },
  INFO: { level: 2, paint: 'green' },
  DEBUG: { level: 3, paint: 'dim' },
};

/** @param level 0 to 4 */
export function createMessages(environment: FaceEnvironment, level: number): Messages {
  const { stdout, stderr, clock, variables } = environment;
  const hasColor = stdout.isTerminal && variables['USE_COLOR'] !== 'no' && (variables['NO_COLOR'] ?? '') === '';
  const say = (label: Label, text: string): void => {
    const how = labels[label];
    if (level < how.level) return;
    const time = level > 2 ? ` ${clock.now().toTimeString().slice(0, 8)}` : '';
    const shown = text
      .split('\n')
      .map(printable)
      .join(`\n${' '.repeat(9)}`);
    stdout.write(`${paint(`[ ${label} ]`, how.paint, hasColor)}${time} ${shown} \n`);
  };
  const { emit, close, makeWay } = createWrapReporter(environment, {
    say: (kind, text) => say(labelOf[kind], text),
    // pip's reasons for failing stand on stderr.
    pass: (text, stream) => {
      if (stream === 'stderr') stderr.write(text);
      else if (level >= 2) stdout.write(text);
    },
    isQuiet: level < 2,
  });
  const sayOwn = (label: Label, text: string): void => {
    makeWay();
    say(label, text);
  };
  return { error: (text) => sayOwn('ERROR', text), info: (text) => sayOwn('INFO', text), emit, close };
}

const labelOf = { info: 'INFO', debug: 'DEBUG', warning: 'WARNING' } as const;
