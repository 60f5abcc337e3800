// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import {
  type Compressor,
  type ConvertedImage,
  convertImage,
  type ConvertOptions,
  type ConvertTarget,
  defaultConvertOptions,
  type LayerCompression,
  parseTarget,
  targetFormats,
  xzCompressor,
} from '../../image/index.ts';
import { parseSourceReference, type Platform, type SourceReference } from '../../model/index.ts';

import { printable } from '../terminal/printable.ts';
import { createPullReporter } from '../terminal/pull-reporter.ts';
import { formatCount, formatDuration, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { convert } from './descriptions/convert.ts';
import { failureLine } from './failure-line.ts';
import { imageOptions, usedThreads } from './image-options.ts';
import { openImage, searchPathOf } from './open-image.ts';
import { type CommandLine, readCommandLine, usageError } from './read-command-line.ts';

const sourceForms = ['directory', 'squashfs', 'sif', 'tar', 'oci', 'oci-archive', 'docker-archive', 'dir'] as const;

type Line = CommandLine<(typeof convert.options)[number]['long'] & string>;

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const line = readCommandLine(convert, argv) as Line;
  const [input = '', output = ''] = line.operands;
  const asked = await readRequest(line, input, output, searchPathOf(environment));
  const isJson = line.has('json');
  const path = resolve(environment.workingDirectory, asked.to.path);
  const startedMs = environment.clock.monotonicMs();

  const reporter = createPullReporter(environment, isJson ? 'json' : line.has('quiet') ? 'quiet' : 'people');
  try {
    const { emit } = reporter;
    emit({ type: 'resolving', reference: input });
    const opened = await openImage(asked.from, {
      environment,
      platform: asked.platform,
      plainHttp: line.has('plain-http'),
      xattrs: asked.options.xattrs,
      stripsTop: !line.has('keep-top'),
      temporaryDirectory: dirname(path),
      emit,
      signal,
    });
    let converted: ConvertedImage;
    try {
      converted = await convertImage({
        from: opened,
        name: input,
        to: { ...asked.to, path },
        replaces: line.has('force'),
        options: asked.options,
        searchPath: searchPathOf(environment),
        layerCompression: asked.layerCompression,
        keepsOwners: environment.uid === 0 && !line.has('no-owners'),
        keepsSetuid: line.has('setuid'),
        emit,
        clock: environment.clock,
        signal,
      });
    } finally {
      await opened.source.close();
    }
    reporter.close();
    const { format } = asked.to;
    if (isJson) {
      environment.stdout.write(
        `${JSON.stringify({ time: now(environment), type: 'converted', format, ...converted })}\n`,
      );
      return 0;
    }
    if (converted.digest !== undefined) environment.stdout.write(`${converted.digest}\n`);
    if (!line.has('quiet')) {
      const durationMs = environment.clock.monotonicMs() - startedMs;
      environment.stderr.write(`${summary(asked.to.path, converted, durationMs)}\n`);
    }
    return 0;
  } catch (error) {
    if (isJson) environment.stdout.write(failureLine(error, environment));
    throw error;
  } finally {
    reporter.close();
  }
}

type Asked = {
  readonly from: SourceReference;
  readonly to: ConvertTarget;
  readonly platform: Platform;
  readonly options: ConvertOptions;
  readonly layerCompression: LayerCompression;
};

async function readRequest(line: Line, input: string, output: string, searchPath: string): Promise<Asked> {
  const read = imageOptions(convert);
  const from = read.oneOf('from', line.value('from'), sourceForms);
  const to = read.oneOf('to', line.value('to'), targetFormats);
  const name = line.value('name');
  const target = parseTarget(output, to);
  return {
    from: parseSourceReference(from === undefined ? input : `${from}:${input}`),
    to: name === undefined ? target : { ...target, name },
    platform: read.platform(line.value('platform')),
    options: {
      ...defaultConvertOptions,
      skeleton: 'none',
      threads: usedThreads(),
      compressor: await readCompressor(line, searchPath),
      xattrs: line.has('xattrs') ? 'keep' : 'drop',
      owner: read.owner(line.value('owner')),
    },
    layerCompression: read.layerCompression(line.value('layer-compression')),
  };
}

/** By compression: the least level, the most, and the one if none is said. */
const levels = { zstd: [1, 22, 3], gzip: [1, 9, 9], lz4: [0, 0, 0], xz: [0, 9, 6] } as const;

async function readCompressor(line: Line, searchPath: string): Promise<Compressor> {
  const kinds = Object.keys(levels) as readonly (keyof typeof levels)[];
  const compression = imageOptions(convert).oneOf('compression', line.value('compression'), kinds) ?? 'zstd';
  const [least, most, usual] = levels[compression];
  const text = line.value('level');
  if (text !== undefined && compression === 'lz4') throw usageError(convert, '--level: lz4 has no levels');
  const level = text === undefined ? usual : /^[0-9]{1,2}$/.test(text) ? Number(text) : -1;
  if (level < least || level > most) {
    throw usageError(convert, `--level: "${text}" is no number from ${least} to ${most}`);
  }
  return compression === 'xz' ? await xzCompressor(level, searchPath) : { compression, level };
}

function now({ clock }: CommandContext['environment']): string {
  return clock.now().toISOString();
}

/** `image.sqfs: 45.0 MiB, 8,123 entries, in 3.2s`. */
function summary(path: string, { entries, contentBytes, sizeBytes }: ConvertedImage, durationMs: number): string {
  const facts = [
    ...(sizeBytes === undefined ? [] : [formatSize(sizeBytes)]),
    ...(entries === undefined ? [] : [formatCount(entries, 'entry', 'entries')]),
    ...(contentBytes === undefined ? [] : [`${formatSize(contentBytes)} of content`]),
    `in ${formatDuration(durationMs)}`,
  ];
  return `${printable(path)}: ${facts.join(', ')}`;
}
