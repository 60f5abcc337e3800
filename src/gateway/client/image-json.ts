// SPDX-License-Identifier: Apache-2.0
// What a gateway, ours or Shifter's own, says about an image.

export type ImageAnswer = {
  readonly id: string;
  readonly system: string;
  readonly itype: string;
  readonly tags: readonly string[];
  readonly status: string;
  readonly statusMessage: string;
  /** Seconds since 1970; 0 where it is not said. */
  readonly lastPull: number;
};

/** Reads an image; what is missing or of another type is ''. */
export function readImage(value: unknown): ImageAnswer {
  const fields = new Map(
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, each]: [string, unknown]) => [key.toLowerCase(), each])
      : [],
  );
  const text = (key: string): string => {
    const each = fields.get(key);
    return typeof each === 'string' ? each : '';
  };
  const tag = fields.get('tag');
  const lastPull = fields.get('last_pull');
  return {
    id: text('id'),
    system: text('system'),
    itype: text('itype'),
    tags: typeof tag === 'string' ? [tag] : Array.isArray(tag) ? tag.filter((each) => typeof each === 'string') : [],
    status: text('status'),
    statusMessage: text('status_message'),
    lastPull: typeof lastPull === 'number' ? lastPull : 0,
  };
}

/** The states in which a client goes on waiting. */
export const waitingStates: ReadonlySet<string> = new Set([
  'MISSING',
  'INIT',
  'PENDING',
  'ENQUEUED',
  'PULLING',
  'EXAMINATION',
  'CONVERSION',
  'TRANSFER',
]);
