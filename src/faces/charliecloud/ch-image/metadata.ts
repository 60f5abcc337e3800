// SPDX-License-Identifier: Apache-2.0
// The directory /ch in an image: what its configuration says, where Charliecloud's commands look for it.
import type { ImageConfig } from '../../../model/index.ts';
import { type DirectoryHandle, openDirectoryHandle } from '../../../sys/directory-handle.ts';
import { isErrno } from '../../../sys/file-errors.ts';
import { removeFile } from '../../../sys/tree-edit.ts';

/** The files of /ch, by path without a leading slash. */
export function metadataFiles(config: ImageConfig): ReadonlyMap<string, string> {
  const variables = Object.fromEntries(
    config.env.map((text) => {
      const equals = text.indexOf('=');
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
  const metadata = {
    arch: [config.platform.architecture, config.platform.variant].filter((part) => part !== undefined).join('/'),
    arg: {
      FAKEROOTDONTTRYCHOWN: '1',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      TAR_OPTIONS: '--no-same-owner',
    },
    cwd: config.workdir === undefined || config.workdir === '' ? '/' : config.workdir,
    env: variables,
    history: [],
    labels: {},
    shell: ['/bin/sh', '-c'],
    volumes: [],
  };
  return new Map([
    [
      'ch/environment',
      config.env
        .toSorted()
        .map((line) => `${line}\n`)
        .join(''),
    ],
    ['ch/metadata.json', `${JSON.stringify(metadata, null, 2)}\n`],
  ]);
}

/**
 * Adds files and directories to an unpacked image of this user's. No link is followed. What is there stays, but for
 * files below /ch, which say what the image is now.
 * @throws as node:fs
 */
export function addFiles(
  path: string,
  given: { readonly directories: readonly string[]; readonly files: ReadonlyMap<string, string> },
): void {
  for (const directory of given.directories) walk(path, directory.split('/'), () => undefined);
  for (const [name, content] of given.files) {
    const parts = name.split('/');
    const last = Buffer.from(parts.pop() ?? '');
    walk(path, parts, (parent) => {
      if (name.startsWith('ch/')) removeFile(`${parent.path}/${last.toString()}`);
      const file = parent.createFile(last);
      file.write(Buffer.from(content));
      file.finish({ mode: 0o644, mtimeSec: Math.floor(Date.now() / 1000) });
    });
  }
}

/** Opens the directory at `parts`, making what is missing; nothing is done where a link or a file is in the way. */
function walk(root: string, parts: readonly string[], use: (directory: DirectoryHandle) => void): void {
  const opened = [openDirectoryHandle(root)];
  try {
    for (const part of parts) {
      const at = opened.at(-1);
      if (at === undefined) return;
      const name = Buffer.from(part);
      ignoring(['EEXIST'], () => at.makeDirectory(name, 0o755));
      opened.push(at.openDirectory(name));
    }
    const last = opened.at(-1);
    if (last !== undefined) use(last);
  } catch (error) {
    if (!isErrno(error, 'EEXIST', 'ENOTDIR', 'ELOOP')) throw error;
  } finally {
    for (const handle of opened.reverse()) handle.close();
  }
}

function ignoring(names: readonly string[], work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isErrno(error, ...names)) throw error;
  }
}
