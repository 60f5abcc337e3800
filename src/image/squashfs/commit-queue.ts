// SPDX-License-Identifier: Apache-2.0
// Work that is begun in any order and many at a time, and finished one by one in the order in which it came. What is
// under way is weighed, so that whoever feeds the queue can wait for room.

export type CommitQueue = {
  /**
   * Starts `work` and, when it and all that was added before are done, runs `commit` with its result.
   * @param weight of memory, in bytes, that is held until then
   */
  readonly add: <Result>(
    weight: number,
    work: () => Promise<Result> | Result,
    commit: (result: Result) => Promise<void> | void,
  ) => void;
  /** Waits until less than the limit is under way. Throws what any work or commit has thrown. */
  readonly drain: () => Promise<void>;
  /** Waits for everything. Throws likewise. */
  readonly finish: () => Promise<void>;
};

export function createCommitQueue(limitBytes: number): CommitQueue {
  /** The commit of what was added last. */
  let last: Promise<void> = Promise.resolve();
  let weightUnderWay = 0;
  let failure: { readonly error: unknown } | undefined;
  let waiting: (() => void)[] = [];

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  const mustWait = (): boolean => failure === undefined && weightUnderWay >= limitBytes;

  return {
    add(weight, work, commit) {
      weightUnderWay += weight;
      const started = Promise.resolve(work());
      // It is awaited in its turn; until then nobody would see its failure.
      started.catch(() => undefined);
      const previous = last;
      last = (async () => {
        await previous;
        try {
          const result = await started;
          if (failure === undefined) await commit(result);
        } catch (error) {
          failure ??= { error };
        }
        weightUnderWay -= weight;
        if (!mustWait()) wake();
      })();
    },
    async drain() {
      while (mustWait()) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      if (failure !== undefined) throw failure.error;
    },
    async finish() {
      await last;
      if (failure !== undefined) throw failure.error;
    },
  };
}
