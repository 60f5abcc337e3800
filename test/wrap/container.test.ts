// SPDX-License-Identifier: Apache-2.0
// Programs of a container wrapped, and an environment installed in one: apart from the machine, but for what is shared.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { buildSif, usualObjects } from '../../src/formats/sif/build.test-helper.ts';
import { makeImages, pullImage, pushTree } from '../run/images.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';
import { indexReason, pipVariables } from './python-projects.ts';

const commands = [...wrapNeeds.commands, ...registryCommands, 'mmdebstrap', 'umoci', 'mksquashfs'];

await suite('wrap-container', { skip: needs({ ...wrapNeeds, commands }) }, () => {
  let user: TestUser;
  let squashfs: string;
  let directory: string;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    ({ squashfs, directory } = await makeImages(user));
    installed = join(user.home, 'installed');
    await user.runOk(['wrap-container', '--wrapper-paths', '/bin,/work/note', '--prefix', installed, squashfs]);
  });

  test('its programs run in it, with the words and the status that they are given', async () => {
    assert.equal(await user.runOk([join(installed, 'bin/echo'), 'a b', '', "c'd"]), "a b  c'd\n");
    assert.equal((await user.run([join(installed, 'bin/sh'), '-c', 'exit 9'])).status, 9);
    assert.equal(await user.runOk([join(installed, 'bin/cat'), '/work/note']), 'from the image\n');
    assert.equal(readlinkSync(join(installed, '_bin/cat')), '/bin/cat');
    assert.equal(await user.runOk([join(installed, 'bin/_debug_shell'), '-c', 'echo any']), 'any\n');
  });

  test('the machine is not there, homes and the working directory are', async () => {
    const sh = join(installed, 'bin/sh');
    assert.equal((await user.run([sh, '-c', 'test -e /usr/bin/python3'])).status, 1);
    await user.runOk(['sh', '-c', 'echo mine > own.txt']);
    assert.equal(await user.runOk([sh, '-c', 'pwd; cat own.txt']), `${user.home}\nmine\n`);
    await user.runOk([sh, '-c', 'echo back > back.txt']);
    assert.ok(existsSync(join(user.home, 'back.txt')));
    assert.equal((await user.runOk([sh, '-c', 'id -u'])).trim(), String(user.uid));
    assert.match(await user.runOk([sh, '-c', 'echo $PATH']), new RegExp(`^${installed}/bin:/usr/local/sbin:`));
  });

  test('the same paths lead to the programs from inside', async () => {
    assert.equal(await user.runOk([join(installed, 'bin/sh'), '-c', `${installed}/bin/echo inside`]), 'inside\n');
  });

  test('a directory will do, and an image that is shared stays where it is', async () => {
    const fromTree = join(user.home, 'from-tree');
    await user.runOk(['wrap-container', '-w', '/bin/cat', '--prefix', fromTree, directory]);
    assert.equal(await user.runOk([join(fromTree, 'bin/cat'), '/work/note']), 'from the image\n');
    await writeFiles(user, user.home, { 'shared.yaml': 'share_container: yes\n' });
    const shared = join(user.home, 'shared');
    await user.runOk(['wrap-container', '-y', 'shared.yaml', '-w', '/bin/cat', '--prefix', shared, squashfs]);
    assert.equal(readlinkSync(join(shared, 'container.sif')), squashfs);
    assert.equal(await user.runOk([join(shared, 'bin/cat'), '/work/note']), 'from the image\n');
  });

  test('SIF files, OCI layouts and images of the store will do, with the variables that they have', async () => {
    const config = { Env: ['OWN=of the image', 'PATH=/own/bin:/bin'] };
    const sif = join(user.home, 'image.sif');
    writeFileSync(sif, buildSif(usualObjects(readFileSync(squashfs))));
    const fromSif = join(user.home, 'from-sif');
    await user.runOk(['wrap-container', '-w', '/bin/cat', '--prefix', fromSif, sif]);
    assert.equal(await user.runOk([join(fromSif, 'bin/cat'), '/work/note']), 'from the image\n');

    const registry = await startRegistry();
    const name = await pullImage(directory, { registry, name: 'own', config, user });
    const layout = join(user.home, 'layout');
    await user.runOk(['slipway', 'convert', '--quiet', name, `oci:${layout}:own`]);
    const forms = { store: name, layout, tagged: `oci:${layout}:own` };
    for (const [form, image] of Object.entries(forms)) {
      const prefix = join(user.home, `from-${form}`);
      const made = await user.runOk(['slipway', 'wrap', 'container', prefix, image, '--programs', '/bin/sh']);
      assert.equal(made, `${prefix}\n`);
      const show = [join(prefix, 'bin/sh'), '-c', 'echo "$OWN $PATH"; cat /work/note'];
      assert.equal(await user.runOk(show), `of the image ${prefix}/bin:/own/bin:/bin\nfrom the image\n`);
    }
    // The record names the image by digest, by which it is found again whatever the tag says by then.
    const record = await user.runOk(['slipway', 'wrap', 'show', join(user.home, 'from-store')]);
    const [, exact = ''] = /source +(127\.0\.0\.1:\d+\/own@sha256:[0-9a-f]{64})\n/.exec(record) ?? [];
    const again = join(user.home, 'again');
    await user.runOk(['slipway', 'wrap', 'container', again, exact, '--programs', '/bin/cat']);
    assert.equal(await user.runOk([join(again, 'bin/cat'), '/work/note']), 'from the image\n');
  });

  test('isolated without a word of an image: in one like the machine', async () => {
    const registry = await startRegistry();
    await writeFiles(user, join(user.home, '.config/containers'), { 'registries.conf': mirrorOf(registry) });
    const osRelease = readFileSync('/etc/os-release', 'utf8');
    const [id, version] = ['ID', 'VERSION_ID'].map(
      (key) => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(osRelease)?.[1],
    );
    const config = { Env: ['OWN=of a machine like this'] };
    await pushTree(directory, { registry, name: `library/${id}:${version}`, config });
    const source = user.makeDirectory('program');
    await writeFiles(user, source, { ...tellingProgram, 'bin/own': '#!/bin/sh\necho "$OWN"; cat /work/note\n' });
    await writeFiles(user, user.home, { 'isolated.yaml': 'isolate: yes\n' });
    const isolated = join(user.home, 'isolated');
    const made = await user.run(['wrap-install', '-y', 'isolated.yaml', '-w', 'bin', '--prefix', isolated, source]);
    assert.equal(made.status, 0, made.stdout + made.stderr);
    // The pull is told as one is by itself.
    assert.match(made.stderr, /: [0-9.]+ MiB stored in /);
    assert.equal(await user.runOk([join(isolated, 'bin/own')]), 'of a machine like this\nfrom the image\n');
    assert.match(await user.runOk([join(isolated, 'bin/tell'), 'x']), /word=<x>\ndata of the program\n$/);
  });

  test('what is missing is said', async () => {
    const wrap = (...words: readonly string[]): ReturnType<TestUser['run']> =>
      user.run(['wrap-container', '--prefix', join(user.home, 'x'), ...words]);
    const none = await wrap(squashfs);
    assert.deepEqual([none.status, none.stderr], [1, '']);
    assert.match(none.stdout, /\[ ERROR \] Tool wrap-container requires -w\/--wrapper-paths to be used/);
    assert.match((await wrap('-w', 'bin', squashfs)).stdout, /Only absolute paths are accepted for --wrapper-paths/);
    const absent = await wrap('-w', '/no/such', squashfs);
    assert.equal(absent.status, 0);
    assert.match(absent.stdout, /\[ WARNING \] \/no\/such: there is no such file or directory/);
    const library = await wrap('-w', '/bin', 'library://alpine');
    assert.match(library.stdout, /"library:\/\/" is no transport of images/);
    const gone = await wrap('-w', '/bin', './no-such.sif');
    assert.equal(gone.status, 1);
    assert.match(gone.stdout, /\[ ERROR \] wrap .*no-such.sif: no such container/);
  });

  test('pip-containerize --slim: Python and packages apart from the machine', async (context) => {
    const reason = await indexReason(user);
    if (reason !== false) return context.skip(reason);
    const registry = await startRegistry();
    await pushImage(
      { layout: await realImage('debian-python'), tag: 'latest' },
      `${registry.address}/library/python:slim`,
    );
    await writeFiles(user, join(user.home, '.config/containers'), {
      'registries.conf': mirrorOf(registry),
    });
    // The image's Python can't put pip into an environment, as that of the real image can: it gets the machine's.
    await user.runOk(['sh', '-c', 'cp /usr/share/python-wheels/pip-*.whl pip.whl']);
    const certificates = pipVariables['PIP_CERT'];
    if (certificates !== undefined) await user.runOk(['cp', certificates, 'certificates.crt']);
    const PIP_CERT = certificates === undefined ? undefined : join(user.home, 'certificates.crt');
    await writeFiles(user, user.home, {
      'six.txt': 'six\n',
      'pre.sh': `python3 -m venv --without-pip "$env_root"
unpack='import sys, sysconfig, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sysconfig.get_path("purelib"))'
"$env_root/bin/python" -c "$unpack" ${user.home}/pip.whl
`,
    });
    const slim = join(user.home, 'slim');
    await user.runOk(['pip-containerize', 'new', '--slim', '--pre-install', 'pre.sh', '--prefix', slim, 'six.txt'], {
      env: { ...pipVariables, PIP_CERT },
    });
    const text = 'import os, six, sys; print(sys.executable, six.__file__, os.path.exists("/usr/bin/gcc"))';
    assert.match(
      await user.runOk([join(slim, 'bin/python'), '-c', text]),
      new RegExp(`^${slim}/bin/python ${slim}/lib/python3[^/]*/site-packages/six.py False\n$`),
    );
    await writeFiles(user, user.home, { 'more.txt': 'pyyaml\n' });
    await user.runOk(['pip-containerize', 'update', '-r', 'more.txt', slim], { env: { ...pipVariables, PIP_CERT } });
    assert.equal(await user.runOk([join(slim, 'bin/python'), '-c', 'import six, yaml; print(1)']), '1\n');
    assert.match(await user.runOk(['slipway', 'wrap', 'show', slim]), /image +docker\.io\/library\/python@sha256:/);
  });
});

/** Has what is said to come from docker.io come from there. */
function mirrorOf({ address }: Registry): string {
  return `[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${address}"\ninsecure = true\n`;
}
