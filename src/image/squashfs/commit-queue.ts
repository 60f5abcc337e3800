// SPDX-License-Identifier: Apache-2.0
// Work that is begun in any order and many at a time, and finished one by one in the order in which it came. What is
// under way is weighed, so that whoever feeds the queue can wait for room.

export type CommitQueue = {
  /**
   * Runs `commit` with the work's result, when the work and all that was added before are done.
   * @param weight of memory, in bytes, that is held until then
   */
  readonly add: <Result>(
    weight: number,
    work: Promise<Result> | Result,
    commit: (result: Result) => Promise<void> | void,
  ) => void;
  /** Waits until less than the limit is under way. Throws what any work or commit has thrown. */
  readonly drain: () => Promise<void>;
  /** Waits for everything. Throws likewise. */
  readonly finish: () => Promise<void>;
};

type Item = { readonly weight: number; readonly run: () => Promise<void> };

export function createCommitQueue(limitBytes: number): CommitQueue {
  let items: Item[] = [];
  /** The loop that commits, while there is something to commit. */
  let running: Promise<void> | undefined;
  let weightUnderWay = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;

  async function commitAll(): Promise<void> {
    while (items.length > 0) {
      const batch = items;
      items = [];
      for (const { weight, run } of batch) {
        // After a failure nothing is committed, but the work that is under way is waited for.
        await run();
        weightUnderWay -= weight;
        if (!mustWait()) wake();
      }
    }
    running = undefined;
  }

  const mustWait = (): boolean => failure === undefined && weightUnderWay >= limitBytes;

  return {
    add(weight, work, commit) {
      weightUnderWay += weight;
      // It is awaited in its turn; until then nobody would see its failure.
      if (work instanceof Promise) work.catch(() => undefined);
      const run = async (): Promise<void> => {
        try {
          const result = await work;
          if (failure === undefined) await commit(result);
        } catch (error) {
          failure ??= { error };
        }
      };
      items.push({ weight, run });
      running ??= commitAll();
    },
    async drain() {
      while (mustWait()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure.error;
    },
    async finish() {
      await running;
      if (failure !== undefined) throw failure.error;
    },
  };
}
