// SPDX-License-Identifier: Apache-2.0
// One process that converts blobs that mean no good: `hostile-worker.ts IMAGE BLOB…`. A refusal goes to stderr, as
// `CODE: MESSAGE`, and ends it with status 1; anything else is a defect and ends it as Node ends.
import { createReadStream, statSync } from 'node:fs';
import { defaultConvertOptions, layersToSquashfs } from '../../src/image/convert/index.ts';
import { SlipwayError } from '../../src/model/index.ts';

const [outputPath = '', ...blobs] = process.argv.slice(2);
try {
  await layersToSquashfs(
    blobs.map((blob, number) => ({
      name: `layer ${number}`,
      sizeBytes: statSync(blob).size,
      open: () => createReadStream(blob, { highWaterMark: 1 << 20 }),
    })),
    {
      name: 'hostile',
      outputPath,
      options: defaultConvertOptions,
      emit: () => undefined,
      signal: new AbortController().signal,
    },
  );
} catch (error) {
  if (!(error instanceof SlipwayError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
