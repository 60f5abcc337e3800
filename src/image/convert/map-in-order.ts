// SPDX-License-Identifier: Apache-2.0

/**
 * Starts work on each item, at most `width` at a time, and finishes the results one after the other in the items'
 * order. When one fails, the signal of the others is aborted, and they are waited for before this rejects with that
 * first failure.
 */
export async function mapInOrder<Item, Started>(
  items: readonly Item[],
  width: number,
  steps: {
    readonly start: (item: Item, stop: AbortSignal) => Promise<Started>;
    readonly finish: (started: Started, position: number) => void;
  },
): Promise<void> {
  const stop = new AbortController();
  const running: Promise<Started>[] = [];
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    stop.abort();
  };
  try {
    for (let position = 0; position < items.length; position += 1) {
      while (running.length < items.length && running.length < position + width) {
        const work = steps.start(items[running.length] as Item, stop.signal);
        // Not only when its turn comes: the others would go on for nothing.
        work.catch(fail);
        running.push(work);
      }
      steps.finish(await (running[position] as Promise<Started>), position);
    }
  } catch (error) {
    fail(error);
    await Promise.allSettled(running);
    throw failures[0];
  }
}
