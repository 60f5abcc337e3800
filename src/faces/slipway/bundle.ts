// SPDX-License-Identifier: Apache-2.0
// `slipway bundle DIRECTORY run …`: the plan as an OCI bundle.
import { posix } from 'node:path';
import { convertImage, defaultConvertOptions, squashfsTree } from '../../image/index.ts';
import type { ReadyPlan } from '../../launch/index.ts';
import { emptyImageConfig, SlipwayError } from '../../model/index.ts';
import { ociConfig } from '../../plan/index.ts';
import { ensureDirectory, statIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { createInputs } from '../../sys/inputs.ts';
import { createPullReporter } from '../terminal/pull-reporter.ts';
import type { CommandContext } from './context.ts';
import { bundle as description } from './descriptions/bundle.ts';
import { searchPathOf } from './open-image.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { planCommandLine } from './plan-command-line.ts';

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const { environment, signal } = context;
  const [name = '', verb, ...words] = readCommandLine(description, argv).operands;
  if (verb !== 'run') throw usageError(description, 'what to write down is missing: run');
  const directory = posix.resolve(environment.workingDirectory, name);
  if ((await statIfPresent(directory)) !== undefined) throw usageError(description, `${directory} is there already`);
  const all = ['slipway', 'run', ...words];
  const files = posix.join(directory, 'files');
  const { ready, annotations } = await planCommandLine(all, {
    environment: environment.variables,
    cwd: environment.workingDirectory,
    runDirectory: files,
    signal,
    writeStderr: environment.stderr.write,
  });
  await ensureDirectory(files, { mode: 0o755 });
  for (const { path, content, encoding } of ready.generated) {
    await writeFileAtomic(path, Buffer.from(content, encoding ?? 'utf8'), { mode: 0o444 });
  }
  const root = await rootOf(ready, directory, context);
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const { uid, gid } = inputs.identity();
  const skeletons = new Set(ready.skeletons.map(({ path }) => path));
  const config = ociConfig(ready.plan, {
    root,
    environment: environment.variables,
    cwd: environment.workingDirectory,
    uid,
    gid,
    words: all.slice(ready.plan.covers.words.length).filter((word, index) => index > 0 || word !== '--'),
    isThere: (path) => inputs.kindOf(path) !== undefined,
    isScaffold: (source) => skeletons.has(source),
    annotations: Object.fromEntries(annotations),
  });
  await writeFileAtomic(posix.join(directory, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`, {
    mode: 0o644,
  });
  return 0;
}

/** An unpacked image as it is; of any other, its files in the bundle. */
async function rootOf({ plan }: ReadyPlan, directory: string, context: CommandContext): Promise<string> {
  const { environment, signal } = context;
  for (const step of plan.steps) {
    if (step.step === 'root-directory') return step.path;
    if (step.step !== 'root-squashfuse') continue;
    const reporter = createPullReporter(environment, 'quiet');
    const options = { ...defaultConvertOptions, skeleton: 'none' } as const;
    const { emit } = reporter;
    const tree = await squashfsTree({
      path: step.image,
      config: emptyImageConfig({ os: 'linux', architecture: process.arch }),
      options: { limits: options.limits, xattrs: 'drop', searchPath: searchPathOf(environment) },
      emit,
    });
    try {
      await convertImage({
        from: { kind: 'tree', source: tree },
        to: { format: 'directory', path: posix.join(directory, 'rootfs'), compression: 'none' },
        replaces: false,
        options,
        searchPath: searchPathOf(environment),
        keepsOwners: environment.uid === 0,
        keepsSetuid: false,
        emit,
        clock: environment.clock,
        signal,
      });
    } finally {
      await tree.close();
      reporter.close();
    }
    return 'rootfs';
  }
  throw new SlipwayError('usage', {
    command: description.name,
    reason: 'a container that is joined has no root to write',
  });
}
