// SPDX-License-Identifier: Apache-2.0
// Images stay in the gateway's own store for a while after they were delivered, so that a second system gets the same
// file without a second conversion. Then they only take room: the packs of their layers stay, which is what makes the
// next image on the same base quick.
import { openStore } from '../../image/index.ts';
import { digestHex } from '../../model/index.ts';
import { statIfPresent } from '../../sys/files.ts';
import type { GatewayContext } from '../context.ts';

export async function sweepConverted(context: GatewayContext, signal: AbortSignal): Promise<void> {
  const config = context.config();
  const path = `${config.cacheDirectory}/store`;
  if ((await statIfPresent(path)) === undefined) return;
  const store = await openStore(path);
  await store.prepare();
  const unfinished = await context.records.listUnfinished(undefined);
  const wanted = new Set(unfinished.map(({ facts }) => facts?.id));
  const damaged = (error: Error): void => context.log.warn({ err: error.message }, 'the store of converted images');
  for (const { digest, indexDigest, converted } of await store.listImages(damaged)) {
    const ageSec = (context.clock.now().getTime() - Date.parse(converted)) / 1000;
    if (ageSec < config.convertedKeepSec || wanted.has(digestHex(indexDigest ?? digest))) continue;
    await store.remove(digest, { signal });
  }
  if (unfinished.every(({ job }) => job !== 'pull')) await store.sweep(context.clock.now(), { signal });
}
