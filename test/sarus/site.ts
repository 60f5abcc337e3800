// SPDX-License-Identifier: Apache-2.0
// A site with sarus.json and hooks, as root keeps them, and a person's repository there.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RealImage, realImage } from '../support/images.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { TestUser } from '../support/user.ts';

export type Site = {
  readonly directory: string;
  readonly hooksDirectory: string;
  /** For `sarus`: names the site's file. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes hooks.d/NAME.json; an object is written as JSON. */
  readonly writeHook: (name: string, content: string | object) => string;
  /** Loads a real image into the person's repository under this name. */
  readonly load: (image: RealImage, name: string) => Promise<void>;
};

/** Members of sarus.json beside those that its schema requires. */
export function makeSite(user: TestUser, members: object = {}): Site {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const hooksDirectory = join(directory, 'hooks.d');
  mkdirSync(hooksDirectory, { mode: 0o755 });
  const repositories = join(directory, 'repositories');
  const own = join(repositories, user.name);
  mkdirSync(own, { recursive: true, mode: 0o755 });
  chownSync(own, user.uid, user.gid);
  const file = join(directory, 'sarus.json');
  const required = {
    securityChecks: true,
    OCIBundleDir: '/var/sarus/OCIBundleDir',
    rootfsFolder: 'rootfs',
    prefixDir: directory,
    tempDir: '/tmp',
    localRepositoryBaseDir: repositories,
    skopeoPath: '/usr/bin/skopeo',
    umociPath: '/usr/bin/umoci',
    mksquashfsPath: '/usr/bin/mksquashfs',
    initPath: '/usr/bin/tini-static',
    runcPath: '/usr/sbin/runc',
    ramFilesystemType: 'tmpfs',
    hooksDir: hooksDirectory,
  };
  writeFileSync(file, JSON.stringify({ ...required, ...members }, undefined, 2), { mode: 0o644 });
  const env = { SLIPWAY_SARUS_JSON: file };
  return {
    directory,
    hooksDirectory,
    env,
    writeHook: (name, content) => {
      const path = join(hooksDirectory, `${name}.json`);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2), {
        mode: 0o644,
      });
      return path;
    },
    load: async (image, name) => {
      await user.runOk(['sarus', 'load', await realImage(image), name], { env });
    },
  };
}
