// SPDX-License-Identifier: Apache-2.0
// The image that `sarus run` is to run, looked up in metadata.json.
import {
  formatSarusReference,
  parseSarusMeta,
  parseSarusMetadata,
  parseSarusReference,
  type SarusImageMeta,
  sarusKey,
  type SarusRepository,
} from '../../image/index.ts';
import type { LocatedImage } from '../../launch/index.ts';
import { emptyImageConfig, SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

export type FoundSarusImage = { readonly located: LocatedImage; readonly meta: SarusImageMeta };

const maxMetadataBytes = 64 << 20;

/** @throws SlipwayError `reference-malformed`, `sarus-image-missing`, `sarus-repository` */
export function findSarusImage(text: string, repository: SarusRepository, inputs: Inputs): FoundSarusImage {
  const reference = parseSarusReference(text);
  const list = inputs.readText(repository.metadataPath, maxMetadataBytes);
  const images = list === undefined ? [] : parseSarusMetadata(list, repository.metadataPath);
  // An image from a file is of the server "load"; one pulled by an old Sarus, of Docker Hub's old name.
  const servers = reference.server === 'docker.io' ? ['docker.io', 'index.docker.io', 'load'] : [reference.server];
  for (const server of servers) {
    const key = sarusKey({ ...reference, server });
    const image = images.find(({ uniqueKey }) => uniqueKey === key);
    if (image === undefined || inputs.kindOf(image.imagePath) !== 'file') continue;
    const text = inputs.readText(image.metadataPath);
    if (text === undefined) continue;
    const meta = parseSarusMeta(text, image.metadataPath);
    const config = emptyImageConfig({ os: 'linux', architecture: process.arch });
    return {
      located: {
        subject: formatSarusReference({ ...reference, server }),
        root: { kind: 'squashfs', path: image.imagePath },
        config,
      },
      meta,
    };
  }
  throw new SlipwayError('sarus-image-missing', {
    reference: formatSarusReference(reference),
    repository: repository.directory,
  });
}
