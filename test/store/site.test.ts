// SPDX-License-Identifier: Apache-2.0
// A store that one account fills and all use: what users find in it, what plans depend on, and who may use what.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { imageCommands, makeImages, pushTree } from '../run/images.ts';
import { launch } from '../run/launch.ts';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';

const commands = [...imageCommands, ...registryCommands, 'setfacl', 'getfacl'];

suite('a store of the site', { skip: needs({ commands, root: true, userNamespaces: true, fuse: true }) }, async () => {
  const user = await acquireTestUser();
  const registry = await startRegistry();
  const { directory } = await makeImages(user);
  const site = join(temporaryDirectory(), 'site');
  mkdirSync(site);
  for (const path of [join(site, '..'), site]) chmodSync(path, 0o755);

  const asSite = async (...words: readonly string[]): Promise<CommandResult> =>
    await run([`${user.prefix}/bin/slipway`, ...words], {
      env: { ...user.env, HOME: '/root', XDG_RUNTIME_DIR: temporaryDirectory(), SLIPWAY_STORE: site },
    });
  const env = { SLIPWAY_SITE_STORE: site };
  /** Pushes the image with this text in /work/note, and pulls it into the site's store. */
  const publish = async (name: string, note: string, ...words: readonly string[]): Promise<string> => {
    writeFileSync(join(directory, 'work/note'), note);
    const full = await pushTree(directory, { registry, name, config: {} });
    const { status, stderr } = await asSite('pull', '-q', ...words, full);
    assert.equal(status, 0, stderr);
    return full;
  };
  const noteIn = async (
    name: string,
  ): Promise<{ readonly text: string; readonly wasPlanned: boolean; readonly said: string }> => {
    const { stdout: text, wasPlanned, said } = await launch(user, [name, '--', 'cat', '/work/note'], { env });
    return { text, wasPlanned, said };
  };

  test('is searched after one’s own, and a plan follows what both hold', async () => {
    const name = await publish('shared/app:1', 'of the site');
    assert.deepEqual(await noteIn(name), { text: 'of the site', wasPlanned: true, said: '' });
    assert.equal((await noteIn(name)).wasPlanned, false);
    assert.equal((await noteIn('shared/app:1')).text, 'of the site');

    await publish('shared/app:1', 'of the site, newer');
    assert.deepEqual(await noteIn(name), { text: 'of the site, newer', wasPlanned: true, said: '' });

    writeFileSync(join(directory, 'work/note'), 'my own');
    await pushTree(directory, { registry, name: 'shared/app:1', config: {} });
    await user.runOk(['slipway', 'pull', '-q', name], { env });
    assert.deepEqual(await noteIn(name), { text: 'my own', wasPlanned: true, said: '' });
    await user.runOk(['slipway', 'rm', '-q', name], { env });
    assert.equal((await noteIn(name)).text, 'of the site, newer');
    assert.equal(
      (await user.run(['slipway', 'rm', name], { env })).status,
      125,
      'the site’s is not the user’s to remove',
    );
    assert.equal(
      (await user.run(['slipway', 'run', name, '--', 'true'], { env: { SLIPWAY_SITE_STORE: '' } })).status,
      125,
    );
  });

  test('lets only those use an image who are named', async () => {
    const name = await publish('licensed/solver:5', 'licensed');
    assert.equal((await noteIn(name)).text, 'licensed');
    assert.equal((await asSite('access', name)).stdout, 'everyone\n');

    assert.equal((await asSite('access', name, '--user', 'daemon', '--group', 'daemon')).status, 0);
    assert.equal((await asSite('access', name)).stdout, 'user:daemon\ngroup:daemon\n');
    const refused = await noteIn(name);
    assert.equal(refused.text, '');
    assert.match(refused.said, /has what may be it, but you may not read it/);
    const listed = await user.run(['slipway', 'images', '--site'], { env });
    assert.deepEqual([listed.stderr, listed.stdout.includes('licensed')], ['', false]);

    assert.equal((await asSite('access', name, '--group', String(user.gid))).status, 0);
    assert.equal((await noteIn(name)).text, 'licensed');
    assert.equal((await asSite('access', name, '--user', 'daemon')).status, 0);
    assert.equal((await noteIn(name)).text, '');
    assert.equal((await asSite('access', name, '--everyone')).status, 0);
    assert.equal((await noteIn(name)).text, 'licensed');
    const unknown = await asSite('access', name, '--user', 'no-such-user');
    assert.match(unknown.stderr, /there is no such user/);
  });

  test('an image can come in for some alone, and its layers are nobody’s', async () => {
    const name = await publish('secret/app:1', 'secret', '--allow-user', user.name);
    assert.equal((await noteIn(name)).text, 'secret');
    const inspected = JSON.parse((await asSite('inspect', '--json', name)).stdout) as {
      readonly file: string;
      readonly access: { readonly users: readonly number[] };
    };
    assert.deepEqual(inspected.access.users, [user.uid]);
    const list = await runOk(['getfacl', '-nc', inspected.file]);
    assert.match(list, new RegExp(`^user::r--\nuser:${user.uid}:r--\ngroup::---\nmask::r--\nother::---\n`));
    for (const place of ['blobs', 'packs', 'tmp']) assert.equal(statSync(join(site, place)).mode & 0o007, 0, place);
    const other = ['setpriv', '--reuid=2', '--regid=2', '--clear-groups', 'cat', inspected.file];
    assert.notEqual((await run(other)).status, 0);
    // Pulled again for everybody who may now, it stays as it is.
    assert.equal((await asSite('pull', '-q', name)).status, 0);
    assert.notEqual((await run(other)).status, 0);
  });

  test('what comes from no registry can be for some alone, too', async () => {
    for (const [source, name] of [
      [`directory:${directory}`, 'secret/tree:1'],
      [`oci:${join(temporaryDirectory(), 'layout')}:1`, 'secret/layout:1'],
    ] as const) {
      if (source.startsWith('oci:')) assert.equal((await asSite('convert', '-q', `${directory}/`, source)).status, 0);
      const pulled = await asSite('pull', '-q', '--name', name, '--allow-user', 'daemon', source);
      assert.equal(pulled.status, 0, pulled.stderr);
      assert.match((await noteIn(`localhost/${name}`)).said, /you may not read it/);
      assert.equal((await asSite('access', `localhost/${name}`)).stdout, 'user:daemon\n');
      // Pulled again, it is for whom it is said to be now.
      assert.equal((await asSite('pull', '-q', '--name', name, '--allow-user', user.name, source)).status, 0);
      assert.equal((await noteIn(`localhost/${name}`)).text, 'secret');
      assert.equal((await asSite('rm', '-q', `localhost/${name}`)).status, 0);
    }
  });

  test('can be checked by whoever may read it, as far as that goes', async () => {
    const secret = await publish('secret/other:1', 'another secret', '--allow-user', 'daemon');
    const checked = await user.run(['slipway', 'fsck'], { env: { SLIPWAY_STORE: site } });
    assert.deepEqual([checked.status, checked.stdout], [0, ''], checked.stderr);
    assert.equal((await asSite('fsck')).status, 0);
    assert.equal((await asSite('rm', '-q', secret)).status, 0);
  });

  test('tells who uses how much room', async () => {
    const { stdout } = await user.run(['slipway', 'images', '--site', '--usage'], { env });
    assert.match(stdout, new RegExp(`^${site}\n  images +\\d`));
    assert.match(stdout, /by owner\n +root +/);
  });
});
