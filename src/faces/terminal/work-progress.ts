// SPDX-License-Identifier: Apache-2.0
// Signs of life of work whose end is not known: one line that is drawn again on a terminal, a line now and then in a log.
import { capabilitiesOf } from './capabilities.ts';
import type { FaceEnvironment } from './environment.ts';
import { createLiveBlock } from './live-block.ts';
import { printable } from './printable.ts';
import { formatDuration } from './units.ts';

export type WorkProgress = {
  /** What is being done from now on; undefined: nothing that takes long. */
  readonly begin: (what: string | undefined) => void;
  /** How far it is. */
  readonly note: (howFar: string) => void;
  /** Must come before anything else is written to the terminal; `endsLine`: whether what is written then does. */
  readonly makeWay: (endsLine?: boolean) => void;
  readonly close: () => void;
};

const redrawMs = 200;
const stillGoingMs = 30_000;

/** @param sayLine writes a line to the log, where that is no terminal that can draw */
export function createWorkProgress(environment: FaceEnvironment, sayLine: (text: string) => void): WorkProgress {
  const { clock, stderr, variables } = environment;
  const { canRedraw, hasColor } = capabilitiesOf(stderr, variables);
  const block = createLiveBlock(stderr, hasColor);
  let doing: { readonly what: string; readonly startedMs: number; howFar: string } | undefined;
  let isAtLineStart = true;
  const line = (): string | undefined => {
    if (doing === undefined) return undefined;
    const elapsed = formatDuration(clock.monotonicMs() - doing.startedMs).replace(/[.]\ds$/, 's');
    return [printable(doing.what), doing.howFar, elapsed].filter((part) => part !== '').join(', ');
  };
  const show = (): void => {
    const text = line();
    if (text === undefined) return;
    if (!canRedraw) sayLine(text);
    // What an installer has begun to say must not be drawn over.
    else if (isAtLineStart) block.draw([{ text: `  ${text}`, style: 'dim' }]);
  };
  const stop = environment.every(canRedraw ? redrawMs : stillGoingMs, show);
  return {
    begin: (what) => {
      block.clear();
      doing = what === undefined ? undefined : { what, startedMs: clock.monotonicMs(), howFar: '' };
    },
    note: (howFar) => {
      if (doing !== undefined) doing.howFar = howFar;
    },
    makeWay: (endsLine = true) => {
      block.clear();
      isAtLineStart = endsLine;
    },
    close: () => {
      doing = undefined;
      stop();
      block.clear();
    },
  };
}
