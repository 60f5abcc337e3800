// SPDX-License-Identifier: Apache-2.0
// `slipway pull` of what is in no registry: names, identities, several at once, policies, and a program in the result.
import assert from 'node:assert/strict';
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { buildSif, usualObjects } from '../../src/formats/sif/build.test-helper.ts';
import { run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { isOnPath, isRoot, needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';

const skip = needs({ commands: ['umoci', 'mmdebstrap', 'unsquashfs', 'skopeo'], userNamespaces: true, fuse: true });

suite('pulls of what is in no registry', { skip }, () => {
  let user: TestUser;
  let directory = '';
  let digest = '';
  const slipway = async (
    ...words: readonly string[]
  ): Promise<{ status: number | null; stdout: string; stderr: string }> =>
    await user.run(['slipway', ...words], { cwd: directory });
  const pull = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await slipway('pull', '-q', ...words);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  before(async () => {
    user = await acquireTestUser();
    directory = user.makeDirectory('forms');
    await runOk(['cp', '-r', await realImage('busybox'), join(directory, 'layout')]);
    await runOk(['chmod', '-R', 'a+rX', join(directory, 'layout')]);
    digest = (await runOk(['skopeo', 'inspect', '--format={{.Digest}}', `oci:${directory}/layout:latest`])).trim();
    for (const form of [
      'oci-archive:archive.tar',
      'docker-archive:saved.tar:tools/busybox:1.36',
      'dir:dir',
      'My_Image.sqfs',
      'rootfs',
      'root.tar.xz',
    ]) {
      const { status, stderr } = await slipway('convert', '-q', 'oci:layout:latest', form);
      assert.equal(status, 0, stderr);
    }
    writeFileSync(join(directory, 'app.sif'), buildSif(usualObjects(readFileSync(join(directory, 'My_Image.sqfs')))));
    await user.runOk(['sh', '-c', 'gzip -k saved.tar'], { cwd: directory });
  });

  test('what has a manifest has its digest, from wherever it comes', async () => {
    assert.equal(await pull('oci:layout:latest'), `localhost/layout:latest@${digest}`);
    assert.equal(await pull('oci-archive:archive.tar'), `localhost/archive:latest@${digest}`);
    assert.equal(await pull('./archive.tar'), `localhost/archive:latest@${digest}`);
    assert.equal(await pull('dir:dir'), `localhost/dir:latest@${digest}`);
  });

  test('an archive of docker save is one image, compressed or not, and called as it is asked for', async () => {
    const name = await pull('docker-archive:saved.tar');
    assert.match(name, /^localhost\/saved:latest@sha256:/);
    assert.equal(await pull('saved.tar.gz'), name);
    const [, id = ''] = name.split('@');
    assert.equal(await pull('docker-archive:saved.tar:tools/busybox:1.36'), `localhost/tools/busybox:1.36@${id}`);
    const { status, stderr } = await slipway('pull', 'docker-archive:saved.tar:other:1');
    assert.equal(status, 125);
    assert.match(stderr, /none is named "other:1"\n {2}hint: there are: tools\/busybox:1\.36/);
  });

  test('a tree is the same image again, and runs', async () => {
    for (const [source, name] of [
      ['./My_Image.sqfs', 'localhost/my_image:latest'],
      ['app.sif', 'localhost/app:latest'],
      ['./rootfs', 'localhost/rootfs:latest'],
      ['root.tar.xz', 'localhost/root:latest'],
    ] as const) {
      const first = await pull(source);
      assert.ok(first.startsWith(`${name}@sha256:`), first);
      assert.equal(await pull(source), first);
      assert.equal(
        await user.runOk(['slipway', 'run', name, '--', 'sh', '-c', 'echo in $(ls /bin/busybox)']),
        'in /bin/busybox\n',
      );
    }
    // The squashfs in a SIF file is that squashfs.
    const [sqfs, sif] = [await pull('./My_Image.sqfs'), await pull('sif:app.sif')];
    assert.equal(sif.split('@')[1], sqfs.split('@')[1]);
  });

  test('each is shown without being pulled', async () => {
    for (const [source, shown] of [
      ['oci:layout', new RegExp(`digest +${digest}`)],
      ['saved.tar.gz', /^docker-archive:.*saved\.tar\.gz\n +digest +sha256:/],
      ['app.sif', /form +SIF\n[^]*primary-system partition, squashfs: rootfs/],
      ['root.tar.xz', /form +tarball/],
      ['./rootfs', /form +directory/],
      ['./My_Image.sqfs', /format +squashfs 4\.0, zstd/],
    ] as const) {
      const { status, stdout, stderr } = await slipway('inspect', source);
      assert.equal(status, 0, stderr);
      assert.match(stdout, shown);
      const json = await slipway('inspect', '--json', source);
      assert.equal(typeof JSON.parse(json.stdout), 'object');
    }
  });

  test('a name can be given, to one image', async () => {
    assert.match(await pull('--name', 'tools:2', './rootfs'), /^localhost\/tools:2@sha256:/);
    assert.match(await pull('--name', 'registry.example.org/x/y', './rootfs'), /^registry\.example\.org\/x\/y:latest@/);
    assert.equal((await slipway('pull', '--name', 'x', './rootfs', 'dir:dir')).status, 2);
    assert.equal((await slipway('pull', '--name', 'x', 'debian:12')).status, 2);
  });

  test('several at once come to one image', async () => {
    const results = await Promise.all(
      Array.from(
        { length: 4 },
        async (_, index) => await pull('--name', `at-once:${index}`, index % 2 === 0 ? './rootfs' : 'oci:layout'),
      ),
    );
    assert.equal(new Set(results.map((result) => result.split('@')[1])).size, 2);
    const store = join(user.home, '.local/share/slipway');
    for (const place of ['tmp', 'blobs/sha256', 'pulls']) assert.deepEqual(readdirSync(join(store, place)), [], place);
  });

  test('a policy decides here too', async () => {
    const policy = join(directory, 'policy.json');
    const write = (transports: object): void =>
      writeFileSync(policy, JSON.stringify({ default: [{ type: 'reject' }], transports }));
    const accept = [{ type: 'insecureAcceptAnything' }];
    write({});
    for (const source of ['oci:layout', './rootfs', 'app.sif']) {
      const { status, stderr } = await slipway('pull', '--policy', policy, '--name', 'by-policy', source);
      assert.equal(status, 125);
      assert.match(stderr, /policy/);
    }
    write({ oci: { [join(directory, 'layout')]: accept }, dir: { [directory]: accept } });
    await pull('--policy', policy, 'oci:layout');
    await pull('--policy', policy, './rootfs');
    assert.equal((await slipway('pull', '--policy', policy, 'app.sif')).status, 125);
  });

  test('an image of the docker daemon comes through its socket', async () => {
    const socket = join(directory, 'docker.sock');
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/images/busybox:1.36/get') {
        response.writeHead(200, { 'content-type': 'application/x-tar' });
        createReadStream(join(directory, 'saved.tar')).pipe(response);
      } else {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end('{"message":"No such image: other"}');
      }
    });
    await new Promise<void>((resolve) => {
      server.listen(socket, resolve);
    });
    onEnd(() => void server.close());
    if (isRoot()) await runOk(['chmod', '666', socket]);
    const env = { DOCKER_HOST: `unix://${socket}` };
    const { stdout, stderr, status } = await user.run(['slipway', 'pull', '-q', 'docker-daemon:busybox:1.36'], {
      env,
      cwd: directory,
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^localhost\/busybox:1\.36@sha256:/);
    const missing = await user.run(['slipway', 'pull', 'docker-daemon:other'], { env, cwd: directory });
    assert.match(missing.stderr, /get image other from docker: it answered 404: No such image: other/);
    const none = await user.run(['slipway', 'pull', 'docker-daemon:other'], {
      env: { DOCKER_HOST: 'unix:///nowhere' },
      cwd: directory,
    });
    assert.match(
      none.stderr,
      /there is no socket \/nowhere: no docker daemon runs here .*\n {2}hint: save the image there/,
    );
    assert.deepEqual(asked, ['/images/busybox:1.36/get', '/images/other/get']);
  });

  test(
    "an image of podman's storage comes by whichever program is there",
    { skip: isRoot() && isOnPath('podman') ? false : 'machine: podman as root is needed here' },
    async () => {
      const storage = join(directory, 'storage');
      mkdirSync(storage);
      const configuration = join(directory, 'storage.conf');
      writeFileSync(
        configuration,
        `[storage]\ndriver = "vfs"\ngraphroot = "${storage}/root"\nrunroot = "${storage}/run"\n`,
      );
      const env = {
        ...process.env,
        CONTAINERS_STORAGE_CONF: configuration,
        SLIPWAY_STORE: join(storage, 'store'),
      } as Record<string, string>;
      const loaded = await runOk(['podman', 'load', '--quiet', '--input', join(directory, 'saved.tar')], { env });
      const [, name = ''] = /^Loaded image: (\S+)$/m.exec(loaded) ?? [];
      assert.match(name, /tools\/busybox:1\.36$/);
      const command = [join(user.prefix, 'bin/slipway'), 'pull', '-q', `containers-storage:${name}`];
      assert.match(await runOk(command, { env }), /^\S+\/tools\/busybox:1\.36@sha256:/);
      const missing = [...command.slice(0, -1), 'containers-storage:nobody/has:this'];
      const { stderr } = await run(missing, { env });
      assert.match(stderr, /get image nobody\/has:this from the containers tools' storage: podman ended with status/);
    },
  );
});
