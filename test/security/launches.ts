// SPDX-License-Identifier: Apache-2.0
// Launches that together take every way through the launcher: what another build of it, or another kernel, must do alike.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult } from '../support/command.ts';
import type { TestUser } from '../support/user.ts';
import { readTrace } from '../run/launch.ts';
import type { LocalImages } from '../run/images.ts';

export type SampleLaunch = {
  readonly name: string;
  /** What follows `slipway run`. */
  readonly words: readonly string[];
  /** It covers the image with an overlay. */
  readonly hasOverlay: boolean;
};

/** The launches, each of an unpacked image and of a squashfs; makes the files that they want in the user's home. */
export function sampleLaunches(user: TestUser, images: LocalImages): readonly SampleLaunch[] {
  const data = join(user.home, 'data');
  mkdirSync(join(data, 'inner'), { recursive: true });
  writeFileSync(join(data, 'file'), 'one\n');
  writeFileSync(join(data, 'inner/file'), 'two\n');
  const kinds: readonly (readonly [string, string])[] = [
    ['directory', images.directory],
    ['squashfs', images.squashfs],
  ];
  return kinds.flatMap(([kind, image]) => {
    const shell = (name: string, options: readonly string[], script: string, hasOverlay = false): SampleLaunch => ({
      name: `${kind}: ${name}`,
      words: [...options, image, '--', 'sh', '-c', script],
      hasOverlay,
    });
    return [
      shell(
        'the default mounts',
        [],
        'cat /work/note /etc/hosts /etc/passwd; ls / /work; ls -d /sys/kernel /proc/self; id',
      ),
      shell('once more', [], 'cat /work/note; cat ~/data/inner/file'),
      shell('the root can’t be written', [], 'touch /work/new'),
      shell('a directory, read-only', ['-v', `${data}:/mnt:ro`], 'cat /mnt/inner/file; touch /mnt/new'),
      shell(
        'a directory, without what is below',
        ['--mount', `type=bind,source=${data},target=/mnt,bind-recursive=disabled`],
        'cat /mnt/file',
      ),
      shell(
        'the whole machine',
        ['-v', '/:/mnt:ro'],
        'ls -d /mnt/proc/1 /mnt/work; cat /mnt/etc/debian_version; touch /mnt/$HOME/new',
      ),
      shell('a file on a file', ['-v', `${data}/file:/work/note`], 'cat /work/note'),
      shell(
        'a tmpfs',
        ['--mount', 'type=tmpfs,target=/mnt,size=1M'],
        'touch /mnt/new; stat -c %A:%u /mnt; df /mnt | tail -1',
      ),
      shell('a mount point in an empty directory', ['-v', `${data}:/srv/a/b`], 'cat /srv/a/b/file'),
      shell('a mount point that the image lacks', ['-v', `${data}:/new/place`], 'cat /new/place/file', true),
      shell('a writable root', ['-w'], 'echo text >/work/new; rm /work/note; cat /work/*', true),
      shell('another identity', ['--uid=0', '--gid=0'], 'id; whoami'),
      shell('variables', ['--clear-env', '-e', 'A=1', '-e', 'B=2', '--unset-env', 'A'], 'env | sort'),
      shell(
        'namespaces of its own',
        ['--private=pid,ipc,uts,net,tmp'],
        'echo $$; ls /tmp; wc -l </proc/net/dev; ls -d /proc/[0-9]*',
      ),
      shell('a fake root', ['--fake-root'], 'id -u; touch ~/owned; chown 5:5 ~/owned; echo $?'),
      shell(
        'limits',
        ['--capabilities=none', '--limit=nofile=100', '--umask=077', '--close-fds'],
        'ulimit -n; umask; grep Cap /proc/self/status',
      ),
      shell('shared in any case', ['--join=always'], 'cat /work/note'),
      shell('a working directory', ['-C', '/work'], 'pwd; cat note'),
      shell('a directory on a file', ['-v', `${data}:/work/note`], 'true'),
      shell('a source that is missing', ['-v', '/nowhere:/mnt'], 'true'),
      { name: `${kind}: a missing program`, words: [image, '--', 'no-such-program'], hasOverlay: false },
      { name: `${kind}: a status`, words: [image, '--', 'sh', '-c', 'exit 7'], hasOverlay: false },
    ];
  });
}

/** What can be seen of a launch, without the launcher's trace. */
export type Seen = { readonly status: number | null; readonly stdout: string; readonly said: string };

export function seen(result: CommandResult): Seen {
  return { status: result.status, stdout: result.stdout, said: readTrace(result).said };
}
