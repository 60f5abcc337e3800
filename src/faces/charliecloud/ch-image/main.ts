// SPDX-License-Identifier: Apache-2.0
// `ch-image` for what needs no builder.
import { resolve } from 'node:path';
import { compileGlob, globMatches } from '../../../formats/glob/index.ts';
import { formatImageReference, parseImageReference, type Platform, SlipwayError } from '../../../model/index.ts';
import { listDirectoryIfPresent, readFileIfPresent, removeTree, statFollowing } from '../../../sys/files.ts';
import { findProgram, systemSearchPath } from '../../../sys/process.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { convert } from '../ch-convert/convert.ts';
import { inferFormat } from '../ch-convert/infer-format.ts';
import { type CommandContext, type CommandLine, runCommand } from '../command.ts';
import { findStorage, prepareStorage, type Storage, withStorageLock } from '../storage.ts';
import { chImage, type ChImageOption } from './description.ts';
import { machinePlatform, unpackFromRegistry } from './pull.ts';

type Line = CommandLine<ChImageOption>;
type Context = CommandContext & { readonly storage: Storage; readonly say: (text: string) => void };
type Verb = {
  readonly least: number;
  readonly most: number;
  /** Whether it changes images, which one does at a time. */
  readonly changes?: true;
  readonly run: (words: readonly string[], line: Line, context: Context) => Promise<number>;
};

const usageFailure = 2;

/** Runs `ch-image` with the words after its name, and gives the exit status. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await runCommand({ description: chImage, operands: { least: 1, most: 1000 }, run }, argv, environment);
}

async function run(line: Line, context: CommandContext): Promise<number> {
  const [name = '', ...words] = line.operands;
  const { stderr } = context.environment;
  const verb = verbs[name];
  if (verb === undefined || words.length < verb.least || words.length > verb.most) {
    const known = Object.keys(verbs).join(', ');
    const reason = verb === undefined ? `there is no command ${name}; there are ${known}` : `wrong number of arguments`;
    stderr.write(`ch-image ${verb === undefined ? '' : `${name} `}error: ${reason}\n  hint: see ch-image --help\n`);
    return usageFailure;
  }
  const storage = findStorage(line.value('storage'), context.environment);
  const say = (text: string): void => {
    if (!line.has('quiet')) stderr.write(`${text}\n`);
  };
  const runVerb = async (signal: AbortSignal): Promise<number> =>
    await verb.run(words, line, { ...context, signal, storage, say });
  if (verb.changes !== true) return await runVerb(context.signal);
  await prepareStorage(storage);
  return line.has('no-lock') ? await runVerb(context.signal) : await withStorageLock(storage, context.signal, runVerb);
}

const verbs: Readonly<Record<string, Verb>> = {
  'pull': {
    least: 1,
    most: 2,
    changes: true,
    run: async ([image = '', destination = image], line, context) => {
      const { storage, say } = context;
      say(`pulling image:    ${image}`);
      if (destination !== image) say(`destination:      ${destination}`);
      const path = storage.imagePath(destination);
      await unpackFromRegistry(image, { format: 'directory', path, compression: 'none' }, context, {
        platform: readPlatform(line.value('arch')),
        isInsecure: line.has('tls-no-verify'),
        isQuiet: line.has('quiet'),
      });
      say('done');
      return 0;
    },
  },
  'list': {
    least: 0,
    most: 1,
    run: async ([image], line, context) => {
      const { storage, environment } = context;
      await prepareStorage(storage);
      if (image !== undefined) return await describe(image, context);
      for (const name of await namesIn(storage)) {
        const modified = line.has('long')
          ? `  ${(await statFollowing(storage.imagePath(name)))?.mtime.toISOString()}`
          : '';
        environment.stdout.write(`${name}${modified}\n`);
      }
      return 0;
    },
  },
  'delete': {
    least: 1,
    most: 1000,
    changes: true,
    run: async (globs, _, { storage, say }) => {
      for (const glob of globs) {
        const matcher = compileGlob(glob);
        const names = (await namesIn(storage)).filter((name) => globMatches(matcher, name));
        if (names.length === 0) {
          throw new SlipwayError('charliecloud-convert', { reason: `no image matching glob, can’t delete: ${glob}` });
        }
        for (const name of names) {
          say(`deleting image: ${name}`);
          await removeTree(storage.imagePath(name));
        }
      }
      return 0;
    },
  },
  'import': {
    least: 2,
    most: 2,
    changes: true,
    run: async ([from = '', image = ''], _, context) => {
      const { environment, storage, say } = context;
      const path = resolve(environment.workingDirectory, from);
      const stats = await statFollowing(path);
      if (stats === undefined) {
        throw new SlipwayError('charliecloud-convert', { reason: `can't copy: not found: ${from}` });
      }
      say(`importing:    ${from}`);
      say(`destination:  ${image}`);
      const format = stats.isDirectory() ? 'dir' : inferFormat(path) === 'squash' ? 'squash' : 'tar';
      const settings = { ...context, temporaryDirectory: `${storage.path}/dlcache`, keepsXattrs: false };
      await convert(
        { format, name: from, path },
        { format: 'ch-image', name: image, path: storage.imagePath(image) },
        { ...settings, say: (text) => (text.startsWith('warning') ? say(text) : undefined) },
      );
      say('done');
      return 0;
    },
  },
  'reset': {
    least: 0,
    most: 0,
    changes: true,
    run: async (_words, _line, { storage, say }) => {
      await removeTree(storage.path);
      say(`initializing storage directory: v5 ${storage.path}`);
      await prepareStorage(storage);
      return 0;
    },
  },
  'storage-path': { least: 0, most: 0, run: (_words, _line, context) => Promise.resolve(printStorage(context)) },
  'gestalt': {
    least: 0,
    most: 1,
    run: async ([key], _line, context) => {
      switch (key) {
        case undefined:
          return 0;
        case 'storage-path':
          return printStorage(context);
        case 'python-path':
          context.environment.stdout.write(`${(await findProgram('python3', systemSearchPath)) ?? ''}\n`);
          return 0;
        case 'bucache':
        case 'bucache-dot':
          // There is no build cache: nothing is built here.
          return 1;
        default:
          context.environment.stderr.write(`ch-image gestalt: error: there is no key ${key}\n`);
          return usageFailure;
      }
    },
  },
};

function printStorage({ environment, storage }: Context): number {
  environment.stdout.write(`${storage.path}\n`);
  return 0;
}

/** As people write them, sorted. */
async function namesIn({ path }: Storage): Promise<readonly string[]> {
  const names = (await listDirectoryIfPresent(`${path}/img`)) ?? [];
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => name.replaceAll('%', '/').replaceAll('+', ':'))
    .toSorted();
}

async function describe(image: string, { environment, storage }: Context): Promise<number> {
  const path = storage.imagePath(image);
  const stats = await statFollowing(path);
  const metadata = await readFileIfPresent(`${path}/ch/metadata.json`, { maxBytes: 1 << 20 });
  const arch = metadata === undefined ? 'unknown' : architectureIn(metadata.toString('utf8'));
  const stored = stats === undefined ? 'no' : `yes (${arch}), modified: ${stats.mtime.toISOString()}`;
  environment.stdout.write(
    [
      `details of image:    ${image}`,
      `in local storage:    ${stored}`,
      'in build cache:      no',
      `full remote ref:     ${formatImageReference(parseImageReference(image))}`,
      '',
    ].join('\n'),
  );
  return 0;
}

function architectureIn(text: string): string {
  try {
    const { arch } = JSON.parse(text) as { readonly arch?: unknown };
    return typeof arch === 'string' ? arch : 'unknown';
  } catch {
    return 'unknown';
  }
}

function readPlatform(text: string | undefined): Platform {
  if (text === undefined || text === 'host' || text === 'yolo') return machinePlatform;
  const [architecture = '', variant] = text.split('/');
  return { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) };
}
