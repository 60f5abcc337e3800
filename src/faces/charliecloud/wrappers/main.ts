// SPDX-License-Identifier: Apache-2.0
// The commands of older releases. They end with status 1 where anything fails, and say what they made.
import { basename, resolve } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { removeIfPresent, statFollowing, writeFileAtomic } from '../../../sys/files.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { formatSize } from '../../terminal/units.ts';
import { convert, type ConvertContext } from '../ch-convert/convert.ts';
import { hasImage, runEngine, storageOf } from '../ch-convert/engines.ts';
import { inferFormat } from '../ch-convert/infer-format.ts';
import { type CommandContext, type CommandLine, runCommand } from '../command.ts';
import { unpackFromRegistry } from '../ch-image/pull.ts';
import { wrapperDescriptions, type WrapperOption } from './descriptions.ts';

type Wrapper = (line: CommandLine<WrapperOption>, context: ConvertContext) => Promise<void>;

/** Says that a directory is an image, which may be replaced. */
const sentinel = 'WEIRD_AL_YANKOVIC';
const sentinelText = 'This directory is a Charliecloud image.\n';
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

const wrappers: Readonly<Record<string, Wrapper>> = {
  'ch-tar2dir': async ({ operands }, context) => {
    const tarball = await findTarball(operands[0] ?? '', context);
    await unpackInto(tarball, await destination(operands[1], context), context);
  },
  'ch-dir2squash': async ({ operands }, context) => {
    const name = operands[0] ?? '';
    const path = resolve(context.environment.workingDirectory, name);
    if ((await statFollowing(path))?.isDirectory() !== true) refuse(`not a directory: ${name}`);
    const output = `${await destination(operands[1], context)}/${basename(path)}.sqfs`;
    await convert({ format: 'dir', name, path }, { format: 'squash', name: output, path: output }, context);
    await sayMade(output, context);
  },
  'ch-docker2tar': async ({ operands }, context) => {
    const [name = ''] = operands;
    await saveFromDocker(name, await destination(operands[1], context), context);
  },
  'ch-build': async (line, context) => await build(line, line.value('tag') ?? refuse('no tag given: -t TAG'), context),
  'ch-build2dir': async (line, context) => {
    const tag = line.value('tag') ?? basename(context.environment.workingDirectory);
    const directory = await destination(line.operands[1], context);
    await build(line, tag, context);
    const tarball = await saveFromDocker(tag, directory, context);
    await unpackInto(tarball, directory, context);
    await removeIfPresent(tarball);
  },
  'ch-pull2tar': async ({ operands }, context) => {
    const [name = ''] = operands;
    const path = `${await destination(operands[1], context)}/${fileName(name)}.tar.gz`;
    await unpackFromRegistry(name, { format: 'tar', path, compression: 'gzip' }, context);
    await sayMade(path, context);
  },
  'ch-pull2dir': async ({ operands }, context) => {
    const [name = ''] = operands;
    const path = `${await destination(operands[1], context)}/${fileName(name)}`;
    await checkReplaceable(path, context);
    await unpackFromRegistry(name, { format: 'directory', path, compression: 'none' }, context);
    await markImage(path, context);
  },
};

/** The main function of one of these commands, by its name. */
export function mainOf(name: string): (argv: readonly string[], environment: FaceEnvironment) => Promise<number> {
  const description = wrapperDescriptions.find((each) => each.name === name);
  const wrapper = wrappers[name];
  if (description === undefined || wrapper === undefined) throw new Error(`no command ${name}`);
  const count = description.operands.length;
  return async (argv, environment) =>
    await runCommand(
      {
        description,
        operands: { least: count, most: name.startsWith('ch-build') ? 100 : count },
        run: async (line, context) => {
          await wrapper(line, convertContext(context));
          return 0;
        },
      },
      argv,
      environment,
    );
}

function convertContext(context: CommandContext): ConvertContext {
  const { environment } = context;
  return {
    ...context,
    temporaryDirectory: environment.variables['TMPDIR'] ?? '/var/tmp',
    keepsXattrs: false,
    say: (text) => environment.stderr.write(`${text}\n`),
  };
}

/** The tarball, or the first that is there when an ending is added. */
async function findTarball(name: string, { environment, say }: ConvertContext): Promise<string> {
  for (const ending of ['', '.tar.gz', '.tar.xz', '.tgz', '.tar']) {
    const path = resolve(environment.workingDirectory, `${name}${ending}`);
    if ((await statFollowing(path))?.isFile() === true) {
      if (inferFormat(path) !== 'tar') return refuse(`unknown extension: ${name}`);
      if (ending !== '') say(`found: ${path}`);
      return path;
    }
    say(`can't read: ${path}`);
  }
  return refuse('no input found');
}

async function destination(name: string | undefined, { environment }: CommandContext): Promise<string> {
  const path = resolve(environment.workingDirectory, name ?? '.');
  const stats = await statFollowing(path);
  if (stats === undefined) return refuse(`can't unpack: ${name} does not exist`);
  if (!stats.isDirectory()) refuse(`can't unpack: ${name} is not a directory`);
  return path;
}

async function unpackInto(tarball: string, directory: string, context: ConvertContext): Promise<void> {
  const path = `${directory}/${basename(tarball).replace(/\.(?:tar\.gz|tar\.xz|tgz|tar)$/, '')}`;
  await checkReplaceable(path, context);
  await convert({ format: 'tar', name: tarball, path: tarball }, { format: 'dir', name: path, path }, quietly(context));
  await markImage(path, context);
}

async function checkReplaceable(path: string, { say }: ConvertContext): Promise<void> {
  const isThere = async (name: string): Promise<boolean> => (await statFollowing(`${path}/${name}`)) !== undefined;
  if ((await statFollowing(path)) === undefined) return say(`creating new image ${path}`);
  const isImage = (await isThere(sentinel)) && (await isThere('bin')) && (await isThere('usr'));
  if (!isImage) return refuse(`${path} exists but does not appear to be an image`);
  return say(`replacing existing image ${path}`);
}

async function markImage(path: string, { environment }: ConvertContext): Promise<void> {
  await writeFileAtomic(`${path}/${sentinel}`, sentinelText, { mode: 0o644 });
  environment.stdout.write(`${path} unpacked ok\n`);
}

/** Only what goes wrong. */
function quietly(context: ConvertContext): ConvertContext {
  return { ...context, say: (text) => (text.startsWith('warning') ? context.say(text) : undefined) };
}

async function saveFromDocker(name: string, directory: string, context: ConvertContext): Promise<string> {
  const path = `${directory}/${fileName(name)}.tar.gz`;
  if (!(await hasImage('docker', name, context))) refuse(`source not found in ${storageOf.docker}: ${name}`);
  await convert({ format: 'docker', name, path: '' }, { format: 'tar', name: path, path }, quietly(context));
  await sayMade(path, context);
  return path;
}

/** Of releases from 0.10 on: a tag must not become a directory. */
function fileName(image: string): string {
  return image.replaceAll('/', '.').replaceAll(':', '+');
}

async function build(line: CommandLine<WrapperOption>, tag: string, context: ConvertContext): Promise<void> {
  const { variables, workingDirectory } = context.environment;
  const dockerfile = `${workingDirectory}/Dockerfile`;
  const hasDockerfile = (await statFollowing(dockerfile)) !== undefined;
  const proxies = proxyVariables.flatMap((name) =>
    variables[name] === undefined ? [] : ['--build-arg', `${name}=${variables[name]}`],
  );
  const words = ['build', '--tag', tag, ...proxies, ...(hasDockerfile ? ['--file', dockerfile] : [])];
  context.say(`docker ${words.join(' ')} ${line.operands[0] ?? ''}`);
  await runEngine('docker', [...words, line.operands[0] ?? '.'], context, 'inherit');
}

async function sayMade(path: string, { environment }: ConvertContext): Promise<void> {
  const stats = await statFollowing(path);
  environment.stdout.write(`${formatSize(stats?.size ?? 0)}\t${path}\n`);
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-convert', { reason });
}
