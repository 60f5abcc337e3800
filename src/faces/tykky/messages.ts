// SPDX-License-Identifier: Apache-2.0
// Tykky's messages: `[ INFO ] text`, all on standard output, how many by the log level (0 errors, 1 warnings, 2 what is
// done, 3 and 4 details with the time).
import type { WrapEvent } from '../../wrap/index.ts';
import { formatSize } from '../terminal/units.ts';
import { printable } from '../terminal/printable.ts';
import { type Paint, paint } from '../terminal/paint.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';

export type Messages = {
  readonly emit: (event: WrapEvent) => void;
  readonly error: (text: string) => void;
  readonly info: (text: string) => void;
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
  return {
    error: (text) => say('ERROR', text),
    info: (text) => say('INFO', text),
    emit: (event) => {
      switch (event.type) {
        case 'info':
          return say('INFO', event.text);
        case 'debug':
          return say('DEBUG', event.text);
        case 'warning':
          return say('WARNING', event.text);
        case 'stage':
          return say('INFO', event.text);
        case 'build-directory':
          return say('INFO', `Using ${event.path} as temporary directory`);
        case 'output':
          // pip's reasons for failing stand there.
          if (event.stream === 'stderr') return stderr.write(printableLines(event.text));
          return level >= 2 ? stdout.write(printableLines(event.text)) : undefined;
        case 'image-progress':
          return say('DEBUG', `${event.files} files, ${formatSize(event.contentBytes)}`);
        case 'image-written':
          return say(
            'INFO',
            `${event.files} files, ${formatSize(event.contentBytes)}, became one of ${formatSize(event.sizeBytes)}`,
          );
      }
    },
  };
}

/** What an installer says, with its own line ends and tabs. */
function printableLines(text: string): string {
  return text
    .split(/(\r?\n|[\r\t])/)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');
}
