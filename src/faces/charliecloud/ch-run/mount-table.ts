// SPDX-License-Identifier: Apache-2.0
// Charliecloud's rules for mounts: what must be there, what is made, what is refused. They are checked when a container
// is planned; what is mounted where is decided again at launch, by descriptors.
import type { OpenedImage } from '../../../launch/index.ts';
import { type MountRequest, SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError, type SystemErrorName } from '../../../sys/system-error.ts';
import { type Bind, bind } from './default-binds.ts';

export type MountTable = {
  readonly mounts: () => readonly MountRequest[];
  /** A mount that both ends must exist for, unless it is optional. */
  readonly addBind: (mount: Bind) => void;
  /** A generated file, on a path that the image must have. */
  readonly addFile: (content: string, target: string) => void;
  /** On a tmpfs that was added before: the target is made there. */
  readonly addHome: (source: string, target: string) => void;
  readonly addTmpfs: (target: string, sizeBytes: number, mode: number) => void;
  /** `--bind`: the target is made, as a directory, where the image may be written to. */
  readonly addUserBind: (source: string, target: string) => void;
};

type Given = {
  readonly image: Pick<OpenedImage, 'kindOf'>;
  readonly inputs: Inputs;
  /** Where Charliecloud would have put the image's root, for messages. */
  readonly newRoot: string;
  readonly isWritable: boolean;
};

/** Errors are those of Charliecloud: `charliecloud-bind`, `charliecloud-bind-kind`, `charliecloud-mkdir`, `charliecloud-stat`. */
export function createMountTable(given: Given): MountTable {
  const { image, inputs, newRoot, isWritable } = given;
  const mounts: MountRequest[] = [];
  const inRoot = (path: string): string => `${newRoot}${path}`;

  /** The mount that covers a guest path, the latest first. */
  const coverOf = (path: string): MountRequest | undefined =>
    mounts.findLast(({ target }) => path === target || path.startsWith(`${target}/`));
  const kindOf = (path: string): 'file' | 'directory' | 'other' | undefined => {
    const cover = coverOf(path);
    if (cover === undefined) return image.kindOf(path);
    const rest = path.slice(cover.target.length);
    if (cover.kind === 'bind') return inputs.kindOf(cover.source + rest);
    if (rest === '') return cover.kind === 'file' ? 'file' : 'directory';
    return undefined;
  };
  const requireTarget = (target: string): void => {
    if (kindOf(target) === undefined) {
      throw new SlipwayError('charliecloud-bind', { reason: `destination not found: ${inRoot(target)}` });
    }
  };
  const refuseKinds = (source: string, target: string): never => {
    const fields = { source, target: inRoot(target) };
    throw new SlipwayError('charliecloud-bind-kind', fields, { cause: systemError('ENOTDIR') });
  };
  const requireKinds = (source: string, target: string): void => {
    const isDirectory = inputs.kindOf(inputs.absolute(source)) === 'directory';
    if (isDirectory !== (kindOf(target) === 'directory')) refuseKinds(source, target);
  };

  /** Whether the directories that a target lacks can be made. */
  const requireRoomFor = (target: string): void => {
    let above = target;
    let missing = target;
    while (above !== '' && kindOf(above) === undefined) {
      missing = above;
      above = above.slice(0, above.lastIndexOf('/'));
    }
    if (above !== '' && kindOf(above) !== 'directory') {
      const fields = { what: '', path: inRoot(target) };
      throw new SlipwayError('charliecloud-stat', fields, { cause: systemError('ENOTDIR') });
    }
    const cover = coverOf(missing);
    if (cover?.kind === 'tmpfs') return;
    if (cover !== undefined) {
      const reason = `${inRoot(missing)} under existing bind-mount ${inRoot(cover.target)}`;
      throw new SlipwayError('charliecloud-mkdir', { reason });
    }
    if (!isWritable) refuseMkdir(inRoot(missing), 'EROFS');
  };

  return {
    mounts: () => mounts,
    addBind: (mount) => {
      const isThere = inputs.kindOf(mount.source) !== undefined && kindOf(mount.target) !== undefined;
      if (!isThere && mount.flags.optional === true) return;
      if (inputs.kindOf(mount.source) === undefined) {
        throw new SlipwayError('charliecloud-bind', { reason: `source not found: ${mount.source}` });
      }
      requireTarget(mount.target);
      requireKinds(mount.source, mount.target);
      mounts.push({ ...mount, flags: { ...mount.flags, optional: false } });
    },
    addFile: (content, target) => {
      requireTarget(target);
      mounts.push({ kind: 'file', content, target, flags: {} });
    },
    addTmpfs: (target, sizeBytes, mode) => {
      const kind = kindOf(target);
      if (kind !== 'directory') {
        const cause = systemError(kind === undefined ? 'ENOENT' : 'ENOTDIR');
        throw new SlipwayError('charliecloud-tmpfs', { target: inRoot(target) }, { cause });
      }
      mounts.push({ kind: 'tmpfs', target, sizeBytes, mode, flags: {} });
    },
    addHome: (source, target) => {
      if (inputs.kindOf(source) === undefined) {
        throw new SlipwayError('charliecloud-bind', { reason: `source not found: ${source}` });
      }
      const mount = bind(source, target);
      mounts.push({ ...mount, flags: { ...mount.flags, create: true } });
    },
    addUserBind: (source, target) => {
      const path = normalise(target, newRoot);
      const absolute = inputs.absolute(source);
      const sourceKind = inputs.kindOf(absolute);
      if (sourceKind === undefined) {
        throw new SlipwayError('charliecloud-bind', { reason: `source not found: ${source}` });
      }
      const isMissing = kindOf(path) === undefined;
      if (isMissing) {
        requireRoomFor(path);
        if (sourceKind !== 'directory') refuseKinds(source, path);
      } else requireKinds(source, path);
      const mount = bind(absolute, path);
      mounts.push(isMissing ? { ...mount, flags: { ...mount.flags, create: true } } : mount);
    },
  };
}

function refuseMkdir(path: string, name: SystemErrorName): never {
  throw new SlipwayError('charliecloud-mkdir', { reason: path }, { cause: systemError(name) });
}

/** A guest path without `.`, `..` and repeated slashes; a `..` above the root is refused, as it would leave the image. */
function normalise(path: string, newRoot: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (names.pop() === undefined) {
        const reason = `${newRoot}${path} not subdirectory of ${newRoot}`;
        throw new SlipwayError('charliecloud-bind', { reason }, { cause: systemError('EINVAL') });
      }
    } else names.push(name);
  }
  return `/${names.join('/')}`;
}
