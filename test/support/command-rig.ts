// SPDX-License-Identifier: Apache-2.0
// Runs the face in this process on a store of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/image/store/index.ts';
import type { StoredImage } from '../../src/image/types.ts';
import { type Digest, parseImageReference } from '../../src/model/index.ts';
import {
  type FakeEnvironment,
  type FakeOptions,
  fakeEnvironment,
} from '../../src/faces/terminal/testing/fake-environment.ts';
import { main } from '../../src/faces/slipway/main.ts';
import { onEnd } from './on-end.ts';

export type Outcome = {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandRig = {
  readonly store: string;
  readonly run: (argv: readonly string[], options?: FakeOptions) => Promise<Outcome>;
  /** Puts an image of `sizeBytes` zero bytes into the store, under the names given. */
  readonly addImage: (digit: string, names: readonly string[], sizeBytes?: number) => Promise<Digest>;
};

/** A rig with an empty store, which goes with the test file's end. */
export function createCommandRig(): CommandRig {
  const store = mkdtempSync(join(tmpdir(), 'slipway-face-'));
  onEnd(() => rmSync(store, { recursive: true, force: true }));
  return {
    store,
    run: async (argv, options = {}) => {
      const environment: FakeEnvironment = fakeEnvironment({
        ...options,
        variables: { SLIPWAY_STORE: store, ...options.variables },
      });
      const status = await main(argv, environment);
      return { status, stdout: environment.stdout.text(), stderr: environment.stderr.text() };
    },
    addImage: async (digit, names, sizeBytes = 4096) => {
      const opened = await openStore(store);
      await opened.prepare();
      const image = exampleImage(digit, sizeBytes);
      await opened.withImage(image.digest, { signal: AbortSignal.timeout(10_000) }, async (locked) => {
        const path = opened.temporaryPath();
        writeFileSync(path, Buffer.alloc(sizeBytes));
        await locked.put(image, path);
        for (const name of names) await locked.tag(parseImageReference(name), new Date(Date.UTC(2026, 10, 21, 14, 0)));
      });
      return image.digest;
    },
  };
}

function exampleImage(digit: string, sizeBytes: number): StoredImage {
  const digest = (fill: string): Digest => `sha256:${fill.repeat(64)}` as Digest;
  return {
    digest: digest(digit),
    configDigest: digest('c'),
    config: {
      platform: { os: 'linux', architecture: 'amd64' },
      created: '2026-11-01T10:00:00Z',
      env: ['PATH=/bin', 'NAME=a\x1b[2Jb'],
      entrypoint: ['/init', 'a b'],
      cmd: [],
      workdir: '/srv',
      labels: { maintainer: 'nobody' },
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: digest('1'),
        sizeBytes: 3 * 2 ** 20,
        diffId: digest('2'),
      },
    ],
    sizeBytes,
    entries: 7,
    converted: '2026-11-21T14:00:00.000Z',
  };
}
