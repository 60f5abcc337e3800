// SPDX-License-Identifier: Apache-2.0
// The answers to `list`, kept as text until the records change: with thousands of images, making them anew for each caller would
// keep the service from anything else. What only some may see is kept apart and chosen for each caller.
import { isRestricted, mayRead } from '../auth/access.ts';
import type { Session } from '../auth/session.ts';
import type { GatewayContext } from '../context.ts';
import type { ImageRecord } from '../records/types.ts';
import { imageBody } from './image-body.ts';

type Kept = {
  readonly generation: string;
  /** The whole answer where everyone may see everything, as is usual. */
  readonly whole: Buffer | undefined;
  /** Bodies of what everyone may see, joined by commas. */
  readonly open: Buffer;
  readonly restricted: readonly { readonly record: ImageRecord; readonly body: Buffer }[];
};

export type ImageLists = {
  /** The body of the answer to `list` for this caller. */
  readonly bodyFor: (session: Session) => Promise<Buffer>;
};

const start = Buffer.from('{"list":[');
const comma = Buffer.from(',');
const end = Buffer.from(']}');

export function createImageLists({ records, people, tellsLabels }: GatewayContext): ImageLists {
  const kept = new Map<string, Promise<Kept>>();
  const keptNow = async (system: string): Promise<Kept> => {
    const generation = await records.generation(system);
    const held = await kept.get(system)?.catch(() => undefined);
    if (held?.generation === generation) return held;
    const made = make(system, generation);
    kept.set(system, made);
    return await made;
  };
  const make = async (system: string, generation: string): Promise<Kept> => {
    const ready = await records.listReady(system);
    const open: string[] = [];
    const restricted: { readonly record: ImageRecord; readonly body: Buffer }[] = [];
    for (const record of ready) {
      const body = imageBody(record, { tellsLabels });
      if (isRestricted(record)) restricted.push({ record, body: Buffer.from(body) });
      else open.push(body);
    }
    const joined = Buffer.from(open.join(','));
    const whole = restricted.length === 0 ? Buffer.concat([start, joined, end]) : undefined;
    return { generation, whole, open: joined, restricted };
  };
  return {
    bodyFor: async (session) => {
      const { whole, open, restricted } = await keptNow(session.system);
      if (whole !== undefined) return whole;
      const readable: Buffer[] = open.length === 0 ? [] : [open];
      for (const { record, body } of restricted) if (await mayRead(record, session, people)) readable.push(body);
      const joined = readable.flatMap((body, index) => (index === 0 ? [body] : [comma, body]));
      return Buffer.concat([start, ...joined, end]);
    },
  };
}
