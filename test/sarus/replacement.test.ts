// SPDX-License-Identifier: Apache-2.0
// Libraries of the host in the place of the image's: Debian 12's MPICH under a program of Debian 11, Debian 12's C library
// because that MPICH wants it, and what is refused.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({
  commands: ['mpichversion', 'mmdebstrap', 'umoci', 'squashfuse_ll', 'gcc'],
  root: true,
  fuse: true,
});

describe('the host’s MPI and C library in containers of sarus', { skip }, () => {
  let user: TestUser;
  let site: Site;
  const inject = async (...words: readonly string[]): Promise<string> =>
    await runOk([`${user.prefix}/bin/slipway`, 'inject', ...words], { env: { PATH: '/usr/bin:/bin', HOME: '/root' } });
  const sarus = (...words: readonly string[]) => user.run(['sarus', 'run', ...words], { env: site.env });

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user);
    site.writeHook('mpi', await inject('mpi', '--mpi=mpich'));
    site.writeHook('glibc', await inject('glibc'));
    await site.load('bullseye-mpich', 'debian:11');
    await site.load('debian-openmpi', 'openmpi');
    await site.load('busybox', 'busybox');
  });

  it('runs the image’s own MPI unless asked, and the host’s with its C library when asked', async () => {
    const host = /^MPICH Version:\s*(\S+)/m.exec(await runOk(['mpichversion']))?.[1] ?? assert.fail('no version');
    const own = await sarus('debian:11', 'ranks');
    assert.match(own.stdout, /MPICH Version:\s*3\.4/);
    const replaced = await sarus('--mpi', 'debian:11', 'ranks');
    assert.equal(replaced.status, 0, replaced.stderr);
    assert.match(replaced.stdout, new RegExp(`MPICH Version:\\s*${host.replaceAll('.', '\\.')}`));
    assert.match(replaced.stderr, /glibc 2\.31 is replaced by the host's 2\.\d+/);
  });

  it('replaces the C library alone, and only where the image’s is older', async () => {
    const version = 'ldd --version 2>/dev/null | head -1; /lib64/ld-linux-x86-64.so.2 --version | head -1';
    const old = await sarus('--glibc', 'debian:11', 'sh', '-c', version);
    assert.match(old.stdout, /2\.3[3-9]|2\.[4-9]\d/, old.stderr);
    const same = await sarus('--glibc', 'openmpi', 'sh', '-c', 'echo fine');
    assert.deepEqual([same.status, same.stdout, same.stderr], [0, 'fine\n', '']);
    const none = await sarus('--glibc', 'busybox', 'echo', 'fine');
    assert.deepEqual([none.status, none.stdout, none.stderr], [0, 'fine\n', '']);
  });

  it('refuses where the interfaces differ, and where there is nothing to replace, saying so', async () => {
    const other = await sarus('--mpi', 'busybox', 'true');
    assert.equal(other.status, 1);
    assert.match(other.stderr, /the image has none of the host's MPI libraries \(libmpich\.so/);

    // Open MPI's libmpi.so.40 under the name of another interface's library.
    const copies = temporaryDirectory();
    await runOk(['chmod', '755', copies]);
    const mpich = realpathSync('/usr/lib/x86_64-linux-gnu/libmpich.so.12');
    const wrong = join(copies, 'libmpi.so.12.9.0');
    copyFileSync(mpich, wrong);
    symlinkSync(basename(wrong), join(copies, 'libmpi.so.12'));
    const directory = makeSite(user);
    directory.writeHook('mpi', mpiHook({ MPI_LIBS: join(copies, 'libmpi.so.12') }));
    await directory.load('debian-openmpi', 'openmpi');
    const refused = await user.run(['sarus', 'run', '--mpi', 'openmpi', 'ranks'], { env: directory.env });
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /the host's libmpi\.so\.12 is version 12\.9\.0, the image's \S+ is version 40[\d.]*: the first numbers must be the same/,
    );
  });

  it('is as strict as MPI_COMPATIBILITY_TYPE says', async () => {
    const copies = temporaryDirectory();
    await runOk(['chmod', '755', copies]);
    const guest = '12.1.10';
    const mpich = realpathSync('/usr/lib/x86_64-linux-gnu/libmpich.so.12');
    const sites: Record<string, Site> = {};
    for (const version of ['12.0.5', '12.1.5', '12.7.0']) {
      copyFileSync(mpich, join(copies, `libmpich.so.${version}`));
      for (const type of ['major', 'full', 'strict', 'nonsense']) {
        const one = makeSite(user);
        one.writeHook(
          'mpi',
          mpiHook({ MPI_LIBS: join(copies, `libmpich.so.${version}`), MPI_COMPATIBILITY_TYPE: type }),
        );
        sites[`${version} ${type}`] = one;
      }
    }
    const images = site.directory;
    for (const [name, one] of Object.entries(sites)) {
      await runOk([
        'cp',
        '-a',
        join(images, 'repositories', user.name, '.sarus'),
        join(one.directory, 'repositories', user.name),
      ]);
      await runOk([
        'sed',
        '-i',
        `s,${images},${one.directory},g`,
        join(one.directory, 'repositories', user.name, '.sarus/metadata.json'),
      ]);
      const script =
        'grep -c " /lib/libmpich.so.12 " /proc/self/mountinfo; grep -c "/usr/lib/x86_64-linux-gnu/libmpich.so" /proc/self/mountinfo';
      const words = ['run', '--mpi', 'debian:11', 'sh', '-c', script];
      const result = await user.run(['sarus', '--verbose', ...words], { env: one.env });
      const [, minor = 0] = (name.split(' ')[0] ?? '').split('.').map(Number);
      const type = name.split(' ')[1];
      if (type === 'strict' && minor !== 1) {
        assert.equal(result.status, 1, name);
        assert.match(result.stderr, /the second numbers must be the same/, `${name} against ${guest}`);
        continue;
      }
      // With `full`, an older one stands beside the image's instead of on it.
      const covers = type === 'full' && minor === 0 ? '0' : '1';
      assert.deepEqual(result.stdout.trim().split('\n')[1], covers, `${name}: ${result.stdout}${result.stderr}`);
      const older = /the host's is older than the image's/;
      if (minor !== 0) continue;
      assert.match(result.stderr, older, name);
      // Who does not ask for it, by an option or the annotation that stands for it, is not told.
      if (type !== 'major') continue;
      assert.doesNotMatch((await user.run(['sarus', ...words], { env: one.env })).stderr, older);
      const asked = ['sarus', 'run', '--annotation=com.hooks.logging.level=0', ...words.slice(1)];
      assert.match((await user.run(asked, { env: one.env })).stderr, older);
      const wrong = await user.run(
        [...asked.slice(0, 2), '--annotation=com.hooks.logging.level=x', ...words.slice(1)],
        {
          env: one.env,
        },
      );
      assert.equal(wrong.status, 1);
      assert.match(wrong.stderr, /com\.hooks\.logging\.level: "x" is no level from 0/);
    }
  });

  it('finds a provider of libfabric that a hook file brings, by `slipway inject libfabric`', async (t) => {
    if (!existsSync('/usr/include/rdma/providers/fi_prov.h')) return t.skip('install: libfabric-dev missing');
    const folder = temporaryDirectory();
    await runOk(['chmod', '755', folder]);
    mkdirSync(join(folder, 'libfabric'));
    const source = join(folder, 'prov.c');
    writeFileSync(source, providerSource);
    const provider = join(folder, 'libfabric/libslipway-fi.so');
    await runOk(['gcc', '-shared', '-fPIC', '-o', provider, source]);
    const text = await runOk([`${user.prefix}/bin/slipway`, 'inject', 'libfabric', '--provider=slipway'], {
      env: { PATH: '/usr/bin:/bin', HOME: '/root', FI_PROVIDER_PATH: join(folder, 'libfabric') },
    });
    assert.match(text, /dst=<FI_PROVIDER_PATH>\/libslipway-fi\.so/);
    const one = makeSite(user);
    one.writeHook('libfabric', text);
    await one.load('bullseye-libfabric', 'fabric');
    await one.load('busybox', 'busybox');
    const asked = ['sarus', 'run', '--annotation=com.hooks.mpi.type=libfabric'];
    const withHook = (...words: readonly string[]): Promise<string> =>
      user.runOk([...asked, ...words], { env: one.env });
    // Beside the library that the image's cache names, where its libfabric looks by itself.
    const listed = await withHook('fabric', 'fi_info');
    assert.match(listed, /^provider: slipway\n\s+fabric: a fabric of the host$/m);
    assert.doesNotMatch(await user.runOk(['sarus', 'run', 'fabric', 'fi_info'], { env: one.env }), /slipway/);
    // Where the container's variable says.
    assert.match(await withHook('-e', 'FI_PROVIDER_PATH=/opt/providers', 'fabric', 'fi_info'), /^provider: slipway$/m);
    assert.equal(await withHook('-e', 'FI_PROVIDER_PATH=@/opt/a:/b', 'busybox', 'ls', '/opt/a'), 'libslipway-fi.so\n');
    // And where neither says anything.
    assert.equal(await withHook('busybox', 'ls', '/usr/lib/libslipway-fi.so'), '/usr/lib/libslipway-fi.so\n');
  });
});

/** The part of a provider that libfabric asks for when it loads one. */
const providerSource = `
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <rdma/fabric.h>
#include <rdma/fi_errno.h>
#include <rdma/providers/fi_prov.h>
static int getinfo(uint32_t v, const char *n, const char *s, uint64_t f, const struct fi_info *h, struct fi_info **i) {
  (void)v, (void)n, (void)s, (void)f, (void)h;
  struct fi_info *info = fi_allocinfo();
  if (!info)
    return -FI_ENOMEM;
  info->fabric_attr->name = strdup("a fabric of the host");
  info->domain_attr->name = strdup("slipway");
  info->ep_attr->type = FI_EP_RDM;
  *i = info;
  return 0;
}
static int fabric(struct fi_fabric_attr *a, struct fid_fabric **f, void *c) { return (void)a, (void)f, (void)c, -FI_ENOSYS; }
static void cleanup(void) {}
static struct fi_provider provider = {
  .version = FI_VERSION(1, 0), .fi_version = FI_VERSION(1, 11), .name = "slipway", .getinfo = getinfo,
  .fabric = fabric, .cleanup = cleanup,
};
struct fi_provider *fi_prov_ini(void) { return &provider; }
`;

function mpiHook(variables: Readonly<Record<string, string>>): object {
  return {
    version: '1.0.0',
    hook: {
      path: '/opt/sarus/bin/mpi_hook',
      env: ['LDCONFIG_PATH=/sbin/ldconfig', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)],
    },
    when: { annotations: { '^com.hooks.mpi.enabled$': '^true$' } },
    stages: ['createContainer'],
  };
}
