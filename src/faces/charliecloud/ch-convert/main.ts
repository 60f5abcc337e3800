// SPDX-License-Identifier: Apache-2.0
// `ch-convert`: an image of one of Charliecloud's formats to another.
import { isAbsolute, resolve } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { statFollowing } from '../../../sys/files.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { type CommandContext, type CommandLine, runCommand } from '../command.ts';
import { findStorage, prepareStorage, type Storage, withStorageLock } from '../storage.ts';
import { checkOutput, type Output } from './check-output.ts';
import { convert, type Input } from './convert.ts';
import { chConvert, type ChConvertOption, type Format } from './description.ts';
import { type Engine, findEngine, hasImage, isEngine, locateEngine, storageOf } from './engines.ts';
import { inferFormat, readFormat } from './infer-format.ts';
import { readOciPlace } from './oci-place.ts';

/** Runs `ch-convert` with the words after its name, and gives the exit status. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await runCommand({ description: chConvert, operands: { least: 2, most: 2 }, run }, argv, environment);
}

async function run(line: CommandLine<ChConvertOption>, context: CommandContext): Promise<number> {
  const { environment } = context;
  const [from = '', to = ''] = line.operands;
  const formatOf = (option: 'in-fmt' | 'out-fmt', name: string): Format => {
    const given = line.value(option);
    return given === undefined ? inferFormat(name) : readFormat(given);
  };
  const formats = { input: formatOf('in-fmt', from), output: formatOf('out-fmt', to) };
  const temporaryDirectory = findTemporaryDirectory(line, environment);
  const keepsXattrs = readXattrs(line, environment);
  const say = (text: string): void => {
    if (!line.has('quiet')) environment.stderr.write(`${text}\n`);
  };
  if ((await statFollowing(temporaryDirectory))?.isDirectory() !== true) {
    refuse(`no directory for temporary files: ${temporaryDirectory}`);
  }
  const verbosity = line.options.filter(({ name }) => name === 'verbose').length;
  if (verbosity > 0) {
    say(`verbose level: ${verbosity}`);
    for (const engine of ['docker', 'podman'] as const) say(`${engine}: ${await engineState(engine, context)}`);
    say(`temp dir: ${temporaryDirectory}`);
    say(`noclobber: ${line.has('no-clobber') ? 'yes' : 'will clobber'}`);
  }
  say(`input:   ${formats.input.padEnd(8)}  ${from}`);
  say(`output:  ${formats.output.padEnd(8)}  ${to}`);
  if (formats.input === formats.output) {
    refuse(
      'input and output formats must be different',
      'names say the format: *.sqfs, *.tar.gz, ./DIR or /DIR, oci:DIR, and any other is an image in the storage directory; -i and -o say otherwise',
    );
  }

  const needsStorage = formats.input === 'ch-image' || formats.output === 'ch-image';
  const storage = needsStorage ? findStorage(line.value('storage'), environment) : undefined;
  const at = (format: Format, name: string): string => pathOf(format, name, { storage, environment });
  const input: Input = { format: formats.input, name: from, path: at(formats.input, from) };
  const output: Output = { format: formats.output, name: to, path: at(formats.output, to) };
  for (const { format } of [input, output]) if (isEngine(format)) await findEngine(format, context);
  await checkInput(input, context);
  const isDryRun = line.has('dry-run');
  if (storage !== undefined && output.format === 'ch-image' && !isDryRun) await prepareStorage(storage);
  await checkOutput(output, { ...context, noClobber: line.has('no-clobber'), say });
  const carryOut = async (signal: AbortSignal): Promise<void> =>
    await convert(input, output, { ...context, signal, temporaryDirectory, keepsXattrs, say });
  if (!isDryRun) {
    await (storage !== undefined && output.format === 'ch-image'
      ? withStorageLock(storage, context.signal, carryOut)
      : carryOut(context.signal));
  }
  say('done');
  return 0;
}

async function engineState(engine: Engine, context: CommandContext): Promise<string> {
  return (await locateEngine(engine, context)) === undefined ? 'not found' : 'found';
}

function pathOf(
  format: Format,
  name: string,
  given: { readonly storage: Storage | undefined; readonly environment: FaceEnvironment },
): string {
  if (format === 'ch-image' && given.storage !== undefined) return given.storage.imagePath(name);
  return resolve(given.environment.workingDirectory, format === 'oci' ? readOciPlace(name).path : name);
}

function findTemporaryDirectory(line: CommandLine<ChConvertOption>, { variables }: FaceEnvironment): string {
  const given = line.value('tmp');
  if (given !== undefined && !isAbsolute(given)) refuse(`temp dir must be absolute: ${given}`);
  return given ?? variables['TMPDIR'] ?? '/var/tmp';
}

function readXattrs(line: CommandLine<ChConvertOption>, { variables }: FaceEnvironment): boolean {
  if (line.has('xattrs') && line.has('no-xattrs')) refuse('--xattrs incompatible with --no-xattrs');
  return line.has('xattrs') || (!line.has('no-xattrs') && variables['CH_XATTRS'] !== undefined);
}

async function checkInput({ format, name, path }: Input, context: CommandContext): Promise<void> {
  if (isEngine(format)) {
    if (!(await hasImage(format, name, context))) refuse(`source not found in ${storageOf[format]}: ${name}`);
    return;
  }
  const stats = await statFollowing(path);
  if (format === 'ch-image' && stats === undefined) refuse(`source image not found in ch-image storage: ${name}`);
  if (format === 'dir' && stats?.isDirectory() !== true) refuse(`not a directory: ${name}`);
  if ((format === 'tar' || format === 'squash' || format === 'oci') && stats === undefined)
    refuse(`not found: ${name}`);
}

function refuse(reason: string, hint?: string): never {
  throw new SlipwayError('charliecloud-convert', { reason }, hint === undefined ? {} : { hint });
}
