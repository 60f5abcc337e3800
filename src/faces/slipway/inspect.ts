// SPDX-License-Identifier: Apache-2.0
import type { FoundImage } from '../../image/index.ts';
import { formatImageReference, parseSourceReference } from '../../model/index.ts';
import { formatCount, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { inspect } from './descriptions/inspect.ts';
import { fieldsText } from './fields.ts';
import { imageOptions } from './image-options.ts';
import type { InspectOptions } from './inspect-source.ts';
import { configFields, type Inspection, layerField, timeText } from './inspection.ts';
import { readCommandLine } from './read-command-line.ts';
import { findImage } from './store.ts';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const line = readCommandLine(inspect, argv);
  const [name = ''] = line.operands;
  const platform = imageOptions(inspect).platform(line.value('platform'));
  const { title, fields, json } = await inspectAny(name, { environment, platform, signal });
  environment.stdout.write(line.has('json') ? `${JSON.stringify(json, undefined, 2)}\n` : fieldsText(title, fields));
  return 0;
}

async function inspectAny(name: string, options: InspectOptions): Promise<Inspection> {
  const reference = parseSourceReference(name);
  if (reference.transport === 'name') return inspectImage(name, findImage(name, options.environment));
  // Loaded where it is needed: the store needs no registry client.
  const { inspectSource } = await import('./inspect-source.ts');
  return await inspectSource(reference, options);
}

function inspectImage(asked: string, { tag, image, squashfsPath }: FoundImage): Inspection {
  const { config } = image;
  const name = tag === undefined ? undefined : formatImageReference(tag.reference);
  return {
    title: name ?? asked,
    fields: [
      ['digest', image.digest],
      ['index', image.indexDigest ?? ''],
      ...configFields(config).slice(0, 2),
      ['pulled', timeText(tag?.pulled)],
      ['converted', timeText(image.converted)],
      ['signed by', (image.verification?.signatures ?? []).map(({ kind, key }) => `${key} (${kind})`).join(', ')],
      ['file', squashfsPath],
      ['size', `${formatSize(image.sizeBytes)}, ${formatCount(image.entries, 'entry', 'entries')}`],
      ...configFields(config).slice(2),
      layerField(image.layers),
    ],
    json: { name: name ?? null, pulled: tag?.pulled ?? null, file: squashfsPath, ...image },
  };
}
