// SPDX-License-Identifier: Apache-2.0
// ssh between the containers of a job on two nodes, whose ranks wait for one another before any of them goes on.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { findOnPath, needs } from '../support/needs.ts';
import { type Slurm, slurmCommands, startSlurm } from '../support/slurm.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const dropbear = ['dropbear', 'dbclient', 'dropbearkey'];
const skip = needs({
  commands: [...slurmCommands, ...dropbear, 'patchelf', 'ldd', 'mmdebstrap', 'umoci', 'squashfuse_ll'],
  root: true,
  fuse: true,
});

describe('ssh and synchronization in containers of sarus', { skip }, () => {
  let user: TestUser;
  let site: Site;
  let slurm: Slurm;
  let base: string;
  const asUser = (): Readonly<Record<string, string | undefined>> => ({ ...slurm.env, ...site.env });

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user);
    slurm = await startSlurm();
    base = join(site.directory, 'repositories');
    await site.load('debian-python', 'debian');
    await site.load('busybox', 'busybox');
    const hook = (name: string, args: readonly string[], env: readonly string[], annotation: string): void => {
      site.writeHook(name, {
        version: '1.0.0',
        hook: { path: `/opt/sarus/bin/${name}`, args: [name, ...args], env: [`HOOK_BASE_DIR=${base}`, ...env] },
        when: { annotations: { [`^com\\.hooks\\.${annotation}\\.enabled$`]: '^true$' } },
        stages: ['createRuntime'],
      });
    };
    hook('ssh_hook', ['start-ssh-daemon'], [`DROPBEAR_DIR=${await makeDropbear(site)}`], 'ssh');
    hook('slurm_global_sync_hook', [], [], 'slurm-global-sync');
  });

  it('makes keys once, and wants them for --ssh', async () => {
    const sarus = (...words: readonly string[]) => user.run(['sarus', ...words], { env: site.env });
    const early = await sarus('run', '--ssh', 'debian', 'true');
    assert.equal(early.status, 1);
    assert.match(early.stderr, /^sarus: use --ssh: there are no keys for it in .*\n.*sarus ssh-keygen/);
    assert.match((await sarus('ssh-keygen')).stdout, /^Successfully generated SSH keys/);
    const key = join(base, user.name, '.oci-hooks/ssh/keys/id_dropbear');
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.match((await sarus('ssh-keygen')).stdout, /already exist/);
    const first = readFileSync(`${key}.pub`, 'utf8');
    assert.match((await sarus('ssh-keygen', '--overwrite')).stdout, /^Successfully/);
    assert.notEqual(readFileSync(`${key}.pub`, 'utf8'), first);
  });

  it('lets a rank log in to the container on the other node', async () => {
    const script =
      'me=$(readlink /proc/self/ns/pid); [ $SLURM_PROCID != 0 ] || for node in n1 n2; do ssh $node "hostname; id -un; . /etc/os-release; echo \\$ID; readlink /proc/self/ns/pid"; done; echo own $me; until [ -e /all/done ]; do [ $SLURM_PROCID != 0 ] || : >/all/done; sleep 0.1; done';
    const shared = join(user.home, 'shared');
    await user.runOk(['mkdir', shared]);
    const mount = `--mount=type=bind,src=${shared},dst=/all`;
    const words = ['srun', '-N2', '-n2', 'sarus', 'run', '--ssh', mount, 'debian', 'sh', '-c', script];
    const { status, stdout, stderr } = await user.run(words, { env: asUser(), timeoutMs: 120_000 });
    assert.equal(status, 0, stderr);
    const lines = stdout.trim().split('\n');
    const logins = lines.filter((line) => !line.startsWith('own '));
    assert.deepEqual([logins[0], logins[4]], ['n1', 'n2'], stdout);
    for (const at of [0, 4]) assert.deepEqual(logins.slice(at + 1, at + 3), [user.name, 'debian'], stdout);
    // In the containers themselves, not beside them.
    const own = lines.filter((line) => line.startsWith('own ')).map((line) => line.slice(4));
    assert.deepEqual(new Set([logins[3], logins[7]]), new Set(own), stdout);
    assert.ok(!existsSync(join(base, user.name, '.oci-hooks/slurm-global-sync/jobid-1-stepid-0')));
  });

  it('lets no rank begin before the last has come', async () => {
    const places = join(user.home, 'places');
    await user.runOk(['mkdir', places]);
    const mount = `--mount=type=bind,src=${places},dst=/places`;
    const option = '--annotation=com.hooks.slurm-global-sync.enabled=true';
    const script = `[ $SLURM_PROCID != 3 ] || sleep 2; : >${places}/$SLURM_PROCID; exec sarus run ${option} ${mount} busybox sh -c 'ls /places | wc -l'`;
    const words = ['srun', '-N2', '-n4', 'sh', '-c', script];
    assert.equal(await user.runOk(words, { env: asUser(), timeoutMs: 120_000 }), '4\n4\n4\n4\n');
    assert.deepEqual(readdirSync(join(base, user.name, '.oci-hooks/slurm-global-sync')), []);
  });
});

/** The machine's Dropbear with its libraries beside it: containers have others, or none. */
async function makeDropbear(site: Site): Promise<string> {
  const directory = join(site.directory, 'dropbear');
  for (const name of ['', 'bin', 'lib']) mkdirSync(join(directory, name), { mode: 0o755 });
  const libraries = new Set<string>();
  for (const name of dropbear) {
    const program = join(directory, 'bin', name);
    copyFileSync(findOnPath(name) ?? assert.fail(name), program);
    chmodSync(program, 0o755);
    for (const [, path = ''] of (await runOk(['ldd', program])).matchAll(/=> (\/\S+)/g)) libraries.add(path);
    await runOk(['patchelf', '--set-rpath', '$ORIGIN/../lib', program]);
  }
  for (const path of libraries) {
    if (/\/libc\.so/.test(path)) continue;
    const copy = join(directory, 'lib', basename(path));
    copyFileSync(path, copy);
    await runOk(['patchelf', '--set-rpath', '$ORIGIN', copy]);
  }
  return directory;
}
