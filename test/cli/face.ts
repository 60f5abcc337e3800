// SPDX-License-Identifier: Apache-2.0
// The slipway face as a process of its own, on a store of its own, and images to pull.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const entry = resolve(import.meta.dirname, 'slipway-entry.ts');

export type Face = {
  readonly store: string;
  readonly home: string;
  readonly argv: (...words: string[]) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly run: (...words: string[]) => Promise<CommandResult>;
  /** Started and left to run; stdout and stderr are pipes. */
  readonly start: (...words: string[]) => ChildProcess;
};

export function createFace(variables: Readonly<Record<string, string>> = {}): Face {
  const home = temporaryDirectory();
  const store = join(home, 'store');
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    SLIPWAY_STORE: store,
    LANG: 'C.UTF-8',
    TERM: 'xterm',
    TZ: 'UTC',
    ...variables,
  };
  const argv = (...words: string[]): readonly string[] => [process.execPath, entry, ...words];
  return {
    store,
    home,
    argv,
    environment,
    run: (...words) => run(argv(...words), { env: environment }),
    start: (...words) => {
      const [file = '', ...rest] = argv(...words);
      return spawn(file, rest, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    },
  };
}

export type ImageFiles = Readonly<Record<string, string | Buffer>>;

/** An OCI layout with the tag `1`, a layer for each set of files, as GNU tar packs them. */
export async function makeLayout(layers: readonly ImageFiles[], config: object = {}): Promise<string> {
  const directory = temporaryDirectory();
  const packed: Buffer[] = [];
  for (const [index, files] of layers.entries()) {
    const tree = join(directory, `tree-${index}`);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(tree, path, '..'), { recursive: true });
      writeFileSync(join(tree, path), content);
    }
    const archive = await runOk([
      'sh',
      '-c',
      `tar -C "$1" --numeric-owner --owner=0 --group=0 --mtime=@1 -c . | base64 -w0`,
      'sh',
      tree,
    ]);
    packed.push(Buffer.from(archive, 'base64'));
  }
  const layout = join(directory, 'layout');
  mkdirSync(layout);
  writeLayout(layout, '1', [{ layers: packed, config }]);
  return layout;
}
