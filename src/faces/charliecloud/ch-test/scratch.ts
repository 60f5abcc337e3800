// SPDX-License-Identifier: Apache-2.0
// An image that needs nothing of this machine: one static program and mount points.
import { removeTree } from '../../../sys/files.ts';
import { temporaryName } from '../../../sys/process-identity.ts';
import { withChild } from '../../../sys/process.ts';
import { copyContent, makeDirectory } from '../../../sys/tree-edit.ts';
import { writeFileInPlace } from '../../../sys/run-directory.ts';
import type { CommandContext } from '../command.ts';

export type Scratch = {
  readonly directory: string;
  /** Of the unpacked image. */
  readonly image: string;
  /** Runs a command of this installation, and gives its status and what it said. */
  readonly run: (name: string, words: readonly string[]) => Promise<{ readonly status: number; readonly said: string }>;
};

/** The program in the image: prints a version. */
export const probe = ['/bin/probe', '--version'] as const;

/** Makes the image in a directory of its own, which is removed when `use` has ended. */
export async function withScratch<T>(context: CommandContext, use: (scratch: Scratch) => Promise<T>): Promise<T> {
  const { environment, signal } = context;
  const { variables, launcher } = environment;
  const bin = launcher.slice(0, launcher.lastIndexOf('/'));
  const directory = `${variables['TMPDIR'] ?? '/tmp'}/ch-test-${temporaryName()}`;
  const image = `${directory}/image`;
  const env = Object.fromEntries(
    ['HOME', 'USER', 'XDG_RUNTIME_DIR', 'TMPDIR'].flatMap((name) =>
      variables[name] === undefined ? [] : [[name, variables[name]]],
    ),
  );
  try {
    for (const path of [
      '',
      '/image',
      ...['bin', 'dev', 'etc', 'mnt', 'proc', 'sys', 'tmp', 'usr'].map((name) => `/image/${name}`),
    ]) {
      makeDirectory(`${directory}${path}`);
    }
    for (const name of ['passwd', 'group', 'hosts', 'resolv.conf']) writeFileInPlace(`${image}/etc/${name}`, '', 0o644);
    copyContent(`${bin}/ch-ssh`, `${image}/bin/probe`);
    return await use({
      directory,
      image,
      run: async (name, words) => {
        const { end } = await withChild(
          { argv: [`${bin}/${name}`, ...words], env, directory, signal },
          async ({ ended }) => await ended,
        );
        return { status: end.status ?? 1, said: end.stderrTail };
      },
    });
  } finally {
    await removeTree(directory);
  }
}
