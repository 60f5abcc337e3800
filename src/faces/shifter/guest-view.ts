// SPDX-License-Identifier: Apache-2.0
// What stands at a path of a container that is not built yet: of the machine, where something of it is mounted there, else
// of the image.
import type { MountRequest } from '../../model/index.ts';
import type { OpenedImage } from '../../launch/index.ts';
import type { GuestKind } from '../../plan/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

export type GuestView = {
  readonly kindOf: (path: string) => GuestKind | undefined;
  readonly readText: (path: string) => string | undefined;
};

/** `mounts` in their order: the later ones lie on top. */
export function guestView(mounts: readonly MountRequest[], image: OpenedImage, inputs: Inputs): GuestView {
  /** The path on the machine, or of the image: volumes show what earlier mounts show elsewhere. */
  const find = (path: string, before: number): { readonly host?: string; readonly guest: string } => {
    for (let index = before - 1; index >= 0; index -= 1) {
      const mount = mounts[index];
      if (mount === undefined || mount.kind !== 'bind' || !isInside(path, mount.target)) continue;
      const there = `${mount.source === '/' ? '' : mount.source}${path.slice(mount.target.length)}` || '/';
      return mount.flags.inside === true ? find(there, index) : { host: there, guest: path };
    }
    return { guest: path };
  };
  return {
    kindOf: (path) => {
      const { host, guest } = find(path, mounts.length);
      return host === undefined ? image.kindOf(guest) : inputs.kindOf(host);
    },
    readText: (path) => {
      const { host, guest } = find(path, mounts.length);
      return host === undefined ? image.readText(guest) : inputs.readText(host);
    },
  };
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
