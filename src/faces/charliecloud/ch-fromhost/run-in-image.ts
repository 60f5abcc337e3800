// SPDX-License-Identifier: Apache-2.0
// Programs of the image, run by Slipway's own ch-run: ldconfig, mpirun, patchelf.
import { SlipwayError } from '../../../model/index.ts';
import { withChild } from '../../../sys/process.ts';
import { printable } from '../../terminal/printable.ts';
import type { CommandContext } from '../command.ts';

export type ProgramEnd = { readonly status: number; readonly stdout: string; readonly stderr: string };

export type ImagePrograms = {
  readonly run: (words: readonly string[], options?: { readonly isWritable?: boolean }) => Promise<ProgramEnd>;
  /** The directories that ldconfig looks at, the first first. */
  readonly libraryDirectories: () => Promise<readonly string[]>;
  /** Where shared libraries go. @throws SlipwayError `charliecloud-fromhost` */
  readonly libraryDirectory: () => Promise<string>;
  readonly ldconfig: () => Promise<void>;
};

const maxStderrBytes = 1 << 20;
const maxStdoutBytes = 16 << 20;
// ldconfig tells of every usual place that an image lacks, and people think that something went wrong.
const noise = /^\s*$|dynamic linker, ignoring|given more than once|Can't stat|No such file or directory|\(from .*:\d/;

async function textOf(stream: AsyncIterable<Buffer> | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    bytes += chunk.length;
    if (bytes <= maxStdoutBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function imagePrograms(
  root: string,
  context: CommandContext & { readonly say: (text: string) => void; readonly isVerbose: boolean },
): ImagePrograms {
  const { environment, signal, say, isVerbose } = context;
  const { variables } = environment;
  const chRun = `${environment.launcher.slice(0, environment.launcher.lastIndexOf('/'))}/ch-run`;
  const run: ImagePrograms['run'] = async (words, { isWritable = false } = {}) => {
    const env = Object.fromEntries(
      ['HOME', 'USER', 'XDG_RUNTIME_DIR', 'TMPDIR'].flatMap((name) =>
        variables[name] === undefined ? [] : [[name, variables[name]]],
      ),
    );
    const argv = [chRun, ...(isWritable ? ['-w'] : []), '--unsafe', '--no-passwd', root, '--', ...words] as const;
    const { result, end } = await withChild(
      { argv: [argv[0], ...argv.slice(1)], env, stdout: 'pipe', stderrTailBytes: maxStderrBytes, signal },
      async ({ stdout }) => await textOf(stdout),
    );
    return { status: end.status ?? 1, stdout: result, stderr: end.stderrTail };
  };
  const saySome = ({ stderr }: ProgramEnd): void => {
    for (const line of stderr.split('\n')) {
      // What ch-run itself says is why there is no answer.
      if (isVerbose ? line.trim() !== '' : line.startsWith('ch-run[') || !noise.test(line))
        environment.stderr.write(`${printable(line)}\n`);
    }
  };
  let directories: readonly string[] | undefined;
  const libraryDirectories = async (): Promise<readonly string[]> => {
    if (directories === undefined) {
      say('asking ldconfig for shared library destination');
      const end = await run(['/sbin/ldconfig', '-Nv']);
      saySome(end);
      directories = end.stdout
        .split('\n')
        .filter((line) => line.startsWith('/'))
        .map((line) => line.slice(0, line.includes(':') ? line.indexOf(':') : undefined));
    }
    return directories;
  };
  return {
    run,
    libraryDirectories,
    libraryDirectory: async () => {
      const isAsked = directories !== undefined;
      const first = (await libraryDirectories())[0] ?? '';
      if (first === '') throw new SlipwayError('charliecloud-fromhost', { reason: 'empty path from ldconfig' });
      if (!isAsked) say(`shared library destination: ${first}`);
      return first;
    },
    ldconfig: async () => {
      const end = await run(['/sbin/ldconfig'], { isWritable: true });
      saySome(end);
      if (end.status !== 0) throw new SlipwayError('charliecloud-fromhost', { reason: 'ldconfig error' });
    },
  };
}
