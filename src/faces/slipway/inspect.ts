// SPDX-License-Identifier: Apache-2.0
import type { FoundImage } from '../../image/index.ts';
import { formatImageReference } from '../../model/index.ts';
import { formatCount, formatLocalTime, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { inspect } from './descriptions/inspect.ts';
import { type Field, fieldsText } from './fields.ts';
import { inspectFile } from './inspect-file.ts';
import { formatPlatform } from './platform.ts';
import { readCommandLine } from './read-command-line.ts';
import { findImage } from './store.ts';

/** What is shown, for people and for programs. */
export type Inspection = {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly json: Readonly<Record<string, unknown>>;
};

export async function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const line = readCommandLine(inspect, argv);
  const [name = ''] = line.operands;
  const { title, fields, json } = isFileName(name)
    ? inspectFile(name, environment)
    : inspectImage(name, findImage(name, environment));
  environment.stdout.write(line.has('json') ? `${JSON.stringify(json, undefined, 2)}\n` : fieldsText(title, fields));
  return 0;
}

function isFileName(name: string): boolean {
  return /^(?:\/|\.\.?\/)|\.(?:squashfs|sqfs|sqsh|squash)$/.test(name);
}

function inspectImage(asked: string, { tag, image, squashfsPath }: FoundImage): Inspection {
  const { config } = image;
  const name = tag === undefined ? undefined : formatImageReference(tag.reference);
  const layersBytes = image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  return {
    title: name ?? asked,
    fields: [
      ['digest', image.digest],
      ['index', image.indexDigest ?? ''],
      ['platform', formatPlatform(config.platform)],
      ['created', timeText(config.created)],
      ['pulled', timeText(tag?.pulled)],
      ['converted', timeText(image.converted)],
      ['signed by', (image.verification?.signatures ?? []).map(({ kind, key }) => `${key} (${kind})`).join(', ')],
      ['file', squashfsPath],
      ['size', `${formatSize(image.sizeBytes)}, ${formatCount(image.entries, 'entry', 'entries')}`],
      ['user', config.user ?? ''],
      ['directory', config.workdir ?? ''],
      ['entrypoint', wordsText(config.entrypoint)],
      ['command', wordsText(config.cmd)],
      ['environment', config.env],
      ['labels', Object.entries(config.labels).map(([label, value]) => `${label}=${value}`)],
      [
        `layers (${formatSize(layersBytes)} compressed)`,
        image.layers.map((layer) => `${formatSize(layer.sizeBytes).padStart(8)}  ${layer.digest}`),
      ],
    ],
    json: { name: name ?? null, pulled: tag?.pulled ?? null, file: squashfsPath, ...image },
  };
}

/** Words as JSON, in which blanks and quotes can be told apart. */
function wordsText(words: readonly string[]): string {
  return words.length === 0 ? '' : JSON.stringify(words);
}

/** What an image's maker wrote need not be a time. */
function timeText(text: string | undefined): string {
  if (text === undefined) return '';
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : formatLocalTime(time);
}
