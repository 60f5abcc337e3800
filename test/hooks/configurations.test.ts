// SPDX-License-Identifier: Apache-2.0
// Configurations as sites keep them for Sarus, word for word, through sarus, runc and podman. Files of other machines that
// they name are stood in for by ones of this machine, under their own paths in the container.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from '../sarus/site.ts';
import { makeBundle, makeRoot } from './containers.ts';

const skip = needs({
  commands: ['runc', 'podman', 'umoci', 'mmdebstrap', 'squashfuse_ll'],
  root: true,
  fuse: true,
});

type Configuration = {
  readonly name: string;
  readonly text: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where something must be in the container. */
  readonly targets: readonly string[];
};

const annotations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'example': {},
  'libfabric-gni': { 'com.hooks.mpi.enabled': 'true', 'com.hooks.mpi.type': 'libfabric' },
  'slurm': { 'com.hooks.slurm.activate': 'true' },
};

describe('configurations of the mount hook', { skip }, () => {
  let user: TestUser;
  let site: Site;
  let hook: string;
  const configurations: Configuration[] = [];

  before(async () => {
    hook = join(await slipwayPrefix(), 'bin/mount_hook');
    user = await acquireTestUser();
    site = makeSite(user);
    const elsewhere = temporaryDirectory();
    chmodSync(elsewhere, 0o755);
    for (const [name, wanted] of Object.entries(annotations)) {
      const original = readFileSync(resolve(import.meta.dirname, `configurations/${name}.json`), 'utf8');
      const text = original
        .replaceAll(/\/opt\/sarus\/(?:default\/)?bin\/mount_hook/g, hook)
        .replaceAll(/src=([^,"]+)/g, (_, path: string) => `src=${standIn(path, elsewhere)}`)
        .replaceAll(
          /--device=(\/dev\/[a-z0-9]+)/g,
          (_, path: string) => `--device=${existsSync(path) ? '' : '/dev/zero:'}${path}`,
        );
      const words = (JSON.parse(text) as { readonly hook: { readonly args: readonly string[] } }).hook.args;
      const targets = words.flatMap((word) => {
        const target =
          /(?:dst|destination)=([^,]+)/.exec(word)?.[1] ?? /^--device=(?:[^:]*:)?(\/[^:]*)/.exec(word)?.[1];
        return target === undefined ? [] : [target.replace('<FI_PROVIDER_PATH>', '/usr/lib')];
      });
      configurations.push({ name, text, annotations: wanted, targets });
    }
    assert.ok(configurations.every(({ targets }) => targets.length >= 3));
  });

  const script = (targets: readonly string[]): string =>
    targets
      .map((path) => `[ -c '${path}' ] || [ -d '${path}' ] || [ -s '${path}' ] || echo 'missing ${path}'`)
      .join('\n');

  it('do the same through sarus run', async () => {
    await site.load('busybox', 'busybox');
    for (const { name, text, annotations: wanted, targets } of configurations) {
      site.writeHook(name, text);
      const options = Object.entries(wanted).map(([key, value]) => `--annotation=${key}=${value}`);
      const result = await user.run(['sarus', 'run', ...options, 'busybox', 'sh', '-c', script(targets)], {
        env: site.env,
      });
      assert.deepEqual([result.status, result.stdout], [0, ''], `${name}: ${result.stderr}`);
    }
    const without = await user.run(['sarus', 'run', 'busybox', 'sh', '-c', 'test -e /usr/bin/salloc || echo none'], {
      env: site.env,
    });
    assert.deepEqual([without.status, without.stdout], [0, 'none\n'], without.stderr);
  });

  it('do the same through runc', async () => {
    for (const { name, text, targets } of configurations) {
      const { hook: entry } = JSON.parse(text) as { readonly hook: object };
      const root = await makeRoot();
      const bundle = await makeBundle({
        root,
        args: ['sh', '-c', script(targets)],
        hooks: { createContainer: [entry] },
      });
      const result = await bundle.run('runc');
      assert.deepEqual([result.status, result.stdout], [0, ''], `${name}: ${result.stderr}`);
    }
  });

  it('do the same through podman with --hooks-dir', async () => {
    const work = temporaryDirectory();
    const hooks = join(work, 'hooks.d');
    mkdirSync(hooks);
    for (const { name, text } of configurations) writeFileSync(join(hooks, `${name}.json`), text);
    const conf = join(work, 'containers.conf');
    writeFileSync(
      conf,
      '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1024:1024"]\n[engine]\ncgroup_manager="cgroupfs"\nevents_logger="none"\n',
    );
    const storage = join(work, 'storage.conf');
    writeFileSync(storage, `[storage]\ndriver="vfs"\ngraphroot="${work}/graph"\nrunroot="${work}/run"\n`);
    for (const { name, annotations: wanted, targets } of configurations) {
      const root = await makeRoot();
      const options = Object.entries(wanted).flatMap(([key, value]) => ['--annotation', `${key}=${value}`]);
      const words = [
        '--root',
        `${work}/graph`,
        '--runroot',
        `${work}/run`,
        '--tmpdir',
        `${work}/tmp`,
        '--storage-driver',
        'vfs',
      ];
      const result = await run(
        [
          'podman',
          ...words,
          '--hooks-dir',
          hooks,
          '--runtime',
          '/usr/sbin/runc',
          'run',
          '--rm',
          ...options,
          '--network',
          'host',
          '--rootfs',
          root,
          'sh',
          '-c',
          script(targets),
        ],
        {
          env: {
            PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
            HOME: work,
            CONTAINERS_CONF: conf,
            CONTAINERS_STORAGE_CONF: storage,
          },
          cwd: '/',
          timeoutMs: 120_000,
        },
      );
      assert.deepEqual([result.status, result.stdout], [0, ''], `${name}: ${result.stderr}`);
    }
    await runOk(
      ['podman', '--root', `${work}/graph`, '--runroot', `${work}/run`, '--storage-driver', 'vfs', 'ps', '-a'],
      { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: work, CONTAINERS_CONF: conf } },
    );
  });
});

/** What is here, or else a directory or library of this machine by that path below `elsewhere`. */
function standIn(path: string, elsewhere: string): string {
  if (existsSync(path)) return path;
  const made = join(elsewhere, path);
  mkdirSync(dirname(made), { recursive: true, mode: 0o755 });
  if (basename(path).includes('.so') || path.startsWith('/usr/bin/'))
    copyFileSync('/lib/x86_64-linux-gnu/libz.so.1', made);
  else mkdirSync(made, { recursive: true, mode: 0o755 });
  return made;
}
