// SPDX-License-Identifier: Apache-2.0
// What mounting an image without privilege takes: /dev/fuse, open to users, and the server program squashfuse_ll.
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

export type FuseDeviceFacts = {
  readonly isDevice: boolean;
  /** Permission bits; 0 where there is no device. */
  readonly mode: number;
  readonly canOpen: boolean;
};

export async function readFuseDevice(reader: HostReader): Promise<FuseDeviceFacts> {
  const status = await reader.status('/dev/fuse');
  return {
    isDevice: status?.kind === 'character-device',
    mode: status?.mode ?? 0,
    canOpen: await reader.isAccessible('/dev/fuse', 'read-write'),
  };
}

/** Id `fuse-device`. */
export function judgeFuseDevice(facts: FuseDeviceFacts): Finding {
  const id = 'fuse-device';
  const what = '/dev/fuse';
  const user = 'Until then, unpack images to a directory, which needs no FUSE.';
  if (!facts.isDevice) {
    return {
      id,
      state: 'missing',
      what,
      detail: 'there is no such device',
      remedy: {
        user,
        administrator: 'Load the kernel module fuse (modprobe fuse; a line "fuse" in /etc/modules-load.d).',
      },
    };
  }
  const mode = `mode 0${facts.mode.toString(8)}`;
  const administrator = 'Give it mode 0666, as udev\'s rules do: KERNEL=="fuse", MODE="0666".';
  if (!facts.canOpen) {
    return { id, state: 'missing', what, detail: `${mode}: not open to you`, remedy: { user, administrator } };
  }
  if ((facts.mode & 0o006) !== 0o006) {
    // Root, or a member of its group, can open it and would otherwise not see why nobody else can.
    return {
      id,
      state: 'warning',
      what,
      detail: `${mode}: open to you, closed to ordinary users`,
      remedy: { user: 'Nothing need be done for yourself.', administrator },
    };
  }
  return { id, state: 'ok', what, detail: mode };
}

/** Where squashfuse_ll is looked for: what PATH says is the user's, and a mount server is better the site's. */
export const squashfuseSearchPath: string = '/usr/local/bin:/usr/bin:/bin:/opt/slipway/bin';

export type SquashfuseFacts = {
  readonly path: string | undefined;
  /** As the program gives it; undefined where it gives none. */
  readonly version: string | undefined;
};

export async function readSquashfuse(reader: HostReader): Promise<SquashfuseFacts> {
  const path = await reader.findProgram('squashfuse_ll', squashfuseSearchPath);
  if (path === undefined) return { path: undefined, version: undefined };
  // --version is a newer option than --help, and the help starts with the version.
  const { output } = await reader.run([path, '--help']);
  return { path, version: /squashfuse (\d+(?:\.\d+)+)/.exec(output)?.[1] };
}

/** Id `squashfuse`. */
export function judgeSquashfuse(facts: SquashfuseFacts): Finding {
  const id = 'squashfuse';
  const what = 'squashfuse_ll';
  const administrator = 'Install squashfuse 0.1.103 or newer (Debian: squashfuse; RHEL: squashfuse from EPEL).';
  if (facts.path === undefined) {
    return {
      id,
      state: 'missing',
      what,
      detail: `in none of ${squashfuseSearchPath.replaceAll(':', ', ')}: images can not be mounted without privilege`,
      remedy: { user: 'Until then, unpack images to a directory, which needs no FUSE.', administrator },
    };
  }
  if (facts.version !== undefined && isOld(facts.version)) {
    return {
      id,
      state: 'warning',
      what,
      detail: `${facts.path}, version ${facts.version}: may not know zstd, which Slipway's images use`,
      remedy: { user: 'If an image can not be mounted, unpack it to a directory.', administrator },
    };
  }
  return { id, state: 'ok', what, detail: `${facts.path}, version ${facts.version ?? 'unknown'}` };
}

/** Before 0.1.101 zstd had to be asked for when it was built. */
function isOld(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major === 0 && (minor < 1 || (minor === 1 && patch < 101));
}
