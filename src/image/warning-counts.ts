// SPDX-License-Identifier: Apache-2.0
// Conditions that may repeat a thousand times in an image: each is said once, with its count.
import type { Emit, PullEvent } from '../model/index.ts';

export type WarningCounts<Code extends string> = {
  readonly count: (code: Code, times?: number) => void;
  /** Says what was counted since the last time. */
  readonly emitAll: (emit: Emit<PullEvent>) => void;
};

export function createWarningCounts<Code extends string>(texts: Readonly<Record<Code, string>>): WarningCounts<Code> {
  const counts = new Map<Code, number>();
  return {
    count: (code, times = 1) => {
      if (times > 0) counts.set(code, (counts.get(code) ?? 0) + times);
    },
    emitAll: (emit) => {
      for (const [code, count] of counts) emit({ type: 'warning', code, text: texts[code], count });
      counts.clear();
    },
  };
}
