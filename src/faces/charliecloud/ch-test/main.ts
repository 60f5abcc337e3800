// SPDX-License-Identifier: Apache-2.0
// `ch-checkns` and `ch-test`: whether containers can be made and run here, by doing it.
import { SlipwayError } from '../../../model/index.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { type CommandContext, runCommand } from '../command.ts';
import { chCheckns, chTest } from './descriptions.ts';
import { probe, type Scratch, withScratch } from './scratch.ts';

type Check = { readonly what: string; readonly command: string; readonly words: readonly string[] };

const failure = 1;

/** Runs `ch-checkns`. */
export async function checkNamespaces(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  const run = async (_: unknown, context: CommandContext): Promise<number> => {
    const { status, said } = await withScratch(context, ({ run: start, image }) =>
      start('ch-run', [image, '--', ...probe]),
    );
    environment.stdout.write(status === 0 ? 'ok\n' : `error: ${said}\nsee: slipway doctor\n`);
    return status === 0 ? 0 : failure;
  };
  return await runCommand({ description: chCheckns, operands: { least: 0, most: 0 }, run }, argv, environment);
}

/** Runs `ch-test`. */
export async function test(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await runCommand(
    {
      description: chTest,
      operands: { least: 0, most: 1 },
      run: async (line, context) => {
        const scope = line.value('scope') ?? 'quick';
        if (scope !== 'quick') refuse(`there is no scope ${scope}: quick is the only one`);
        const phase = line.operands[0] ?? 'all';
        if (phase === 'clean') return 0;
        if (!['build', 'run', 'all'].includes(phase))
          refuse(`there is no phase ${phase}: there are build, run, all and clean`);
        return await withScratch(
          context,
          async (scratch) => await runChecks(checksOf(phase, scratch), scratch, environment),
        );
      },
    },
    argv,
    environment,
  );
}

function checksOf(phase: string, { image }: Scratch): readonly Check[] {
  const convert = (what: string, ...words: string[]): Check => ({ what, command: 'ch-convert', words });
  const start = (what: string, ...words: string[]): Check => ({
    what,
    command: 'ch-run',
    words: [...words, '--', ...probe],
  });
  // What is run is made first, whichever phase is asked for.
  const conversions = [
    convert('a directory becomes a squashfs file', './image', 'image.sqfs'),
    convert('a directory becomes a tarball', './image', 'image.tar.gz'),
    convert('a tarball becomes a directory', 'image.tar.gz', './unpacked'),
    convert('a squashfs file becomes a directory', 'image.sqfs', './unsquashed'),
    {
      what: 'a tarball becomes a stored image',
      command: 'ch-image',
      words: ['-s', 'storage', 'import', 'image.tar.gz', 'probe'],
    },
  ];
  const runs = [
    start('a directory is run', image),
    start('a squashfs file is run', 'image.sqfs'),
    start('a tarball that was unpacked is run', './unpacked'),
    start('a stored image is run by its name', '-s', 'storage', 'probe'),
    start('as root inside', '-u', '0', '-g', '0', image),
    start('with a directory of this machine', '-b', '.:/mnt', image),
    start('with a /tmp of its own', '-t', image),
    start('with writes to memory', '-W', image),
    start('with faked system calls', '--seccomp', image),
    start('with peers', '--join-ct=1', image),
  ];
  return phase === 'build' ? conversions : [...conversions, ...runs];
}

/** In the Test Anything Protocol. */
async function runChecks(checks: readonly Check[], { run }: Scratch, { stdout }: FaceEnvironment): Promise<number> {
  stdout.write(`1..${checks.length}\n`);
  let failed = 0;
  for (const [index, { what, command, words }] of checks.entries()) {
    const { status, said } = await run(command, words);
    stdout.write(`${status === 0 ? 'ok' : 'not ok'} ${index + 1} ${what}\n`);
    if (status === 0) continue;
    failed += 1;
    for (const line of said.split('\n')) stdout.write(`# ${line}\n`);
  }
  return failed === 0 ? 0 : failure;
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-convert', { reason });
}
