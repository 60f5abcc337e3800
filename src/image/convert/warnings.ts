// SPDX-License-Identifier: Apache-2.0
// Conditions that may repeat a thousand times in an image: each is said once, with its count.
import type { Emit, PullEvent } from '../../model/index.ts';

const texts = {
  'devices-dropped': 'device files are left out: an unprivileged mount can not use them',
  'xattrs-dropped': 'extended attributes (capabilities, user attributes, ACLs) are left out',
  'files-replaced': 'files under /etc that could not be mounted over are replaced by empty ones',
  'names-ignored': 'entries below names that begin with .wh. are left out',
} as const;

export type WarningCode = keyof typeof texts;

export type WarningCounts = {
  readonly count: (code: WarningCode, times?: number) => void;
  readonly emitAll: (emit: Emit<PullEvent>) => void;
};

export function createWarningCounts(): WarningCounts {
  const counts = new Map<WarningCode, number>();
  return {
    count: (code, times = 1) => {
      if (times > 0) counts.set(code, (counts.get(code) ?? 0) + times);
    },
    emitAll: (emit) => {
      for (const [code, count] of counts) emit({ type: 'warning', code, text: texts[code], count });
    },
  };
}
