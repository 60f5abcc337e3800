// SPDX-License-Identifier: Apache-2.0

/**
 * Starts work on each item, at most `width` at a time, and finishes the results one after the other in the items'
 * order. When one fails, the others' signal is aborted and they are waited for before this rejects.
 */
export async function mapConcurrently<Item, Started>(
  items: readonly Item[],
  width: number,
  steps: {
    readonly start: (item: Item, stop: AbortSignal) => Promise<Started>;
    readonly finish: (started: Started, position: number) => void;
  },
): Promise<void> {
  const stop = new AbortController();
  const running: Promise<Started>[] = [];
  let started = 0;
  try {
    for (let position = 0; position < items.length; position += 1) {
      for (; started < items.length && started < position + width; started += 1) {
        const work = steps.start(items[started] as Item, stop.signal);
        // Awaited in its turn below; until then a failure must not count as unhandled.
        work.catch(() => undefined);
        running.push(work);
      }
      steps.finish(await (running[position] as Promise<Started>), position);
    }
  } catch (error) {
    stop.abort();
    await Promise.allSettled(running);
    throw error;
  }
}
