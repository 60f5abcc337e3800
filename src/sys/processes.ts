// SPDX-License-Identifier: Apache-2.0
// The processes of this machine, from proc(5).
import { readdir, readFile, stat } from 'node:fs/promises';

export type RunningProcess = { readonly pid: number; readonly argv: readonly string[] };

/** The processes of a user, by effective id; one that ends meanwhile is left out. */
export async function processesOf(uid: number): Promise<readonly RunningProcess[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name): Promise<RunningProcess | undefined> => {
      try {
        if ((await stat(`/proc/${name}`)).uid !== uid) return undefined;
        const words = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0');
        return { pid: Number(name), argv: words.slice(0, -1) };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((one) => one !== undefined);
}
