// SPDX-License-Identifier: Apache-2.0
// What an image says about itself that is in no store: in a registry, a layout, an archive, a SIF file, …
import { resolve } from 'node:path';
import { parseSif } from '../../formats/sif/index.ts';
import { openSource, resolvePathTransport, type ResolvedImage } from '../../image/index.ts';
import { formatSourceReference, type Platform, type SourceReference } from '../../model/index.ts';
import { openRandomFile } from '../../sys/random-file.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { createPullReporter } from '../terminal/pull-reporter.ts';
import { formatLocalTime, formatSize } from '../terminal/units.ts';
import { inspectFile } from './inspect-file.ts';
import { configFields, type Inspection, layerField } from './inspection.ts';
import { searchPathOf, sourceOptions } from './open-image.ts';

export type InspectOptions = {
  readonly environment: FaceEnvironment;
  readonly platform: Platform;
  readonly signal: AbortSignal;
};

/** @throws SlipwayError of `openSource` and of resolving the image */
export async function inspectSource(asked: SourceReference, options: InspectOptions): Promise<Inspection> {
  const { environment, signal } = options;
  const reference = await settle(asked, options);
  if (reference.transport === 'squashfs') return inspectFile(reference.path, environment);
  if (reference.transport === 'sif') return inspectSif(resolve(environment.workingDirectory, reference.path));
  const reporter = createPullReporter(environment, 'quiet');
  const settings = await sourceOptions({
    ...options,
    plainHttp: false,
    temporaryDirectory: environment.variables['TMPDIR'] ?? '/tmp',
    emit: reporter.emit,
  });
  const opened = await openSource(reference, settings);
  try {
    if (opened.kind === 'image')
      return describeImage(formatSourceReference(reference), await opened.source.resolve(signal));
    const { name, archives } = opened.source;
    const sizeBytes = archives?.layers[0]?.sizeBytes;
    const form = archives === undefined ? 'directory' : 'tarball';
    return {
      title: name,
      fields: [
        ['form', archives?.topDirectory === 'strip' ? `${form}, its root may be below one directory` : form],
        ['size', sizeBytes === undefined ? '' : formatSize(sizeBytes)],
      ],
      json: { file: name, form, ...(sizeBytes === undefined ? {} : { sizeBytes }) },
    };
  } finally {
    await opened.source.close();
    reporter.close();
  }
}

/** With the form that a path's content says. */
async function settle(reference: SourceReference, { environment, signal }: InspectOptions): Promise<SourceReference> {
  if (reference.transport !== 'path') return reference;
  const path = resolve(environment.workingDirectory, reference.path);
  return await resolvePathTransport(path, { searchPath: searchPathOf(environment), signal });
}

function describeImage(title: string, image: ResolvedImage): Inspection {
  const { config, digest, indexDigest, configDigest, layers } = image;
  return {
    title,
    fields: [['digest', digest], ['index', indexDigest ?? ''], ...configFields(config), layerField(layers)],
    json: { name: title, digest, ...(indexDigest === undefined ? {} : { indexDigest }), configDigest, config, layers },
  };
}

function inspectSif(path: string): Inspection {
  const file = openRandomFile(path);
  try {
    const { architecture, createdSec, descriptors } = parseSif(file);
    const created = new Date(createdSec * 1000);
    return {
      title: path,
      fields: [
        ['form', 'SIF'],
        ['architecture', architecture ?? ''],
        ['created', formatLocalTime(created)],
        ['size', formatSize(file.sizeBytes)],
        [
          'objects',
          descriptors.map(({ type, name, sizeBytes, partition }) => {
            const what = partition === undefined ? type : `${partition.role} partition, ${partition.fileSystem}`;
            return `${formatSize(sizeBytes).padStart(8)}  ${what}${name === '' ? '' : `: ${name}`}`;
          }),
        ],
      ],
      json: {
        file: path,
        form: 'sif',
        architecture: architecture ?? null,
        created: created.toISOString(),
        descriptors,
      },
    };
  } finally {
    file.close();
  }
}
