// SPDX-License-Identifier: Apache-2.0
// Images that come from elsewhere, and go there, by Charliecloud's commands: OCI layouts as skopeo reads and writes them,
// podman's storage of an ordinary user, a docker daemon, and a registry.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { imageCommands, makeImages, pushTree } from '../run/images.ts';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { isOnPath, isRoot, needs } from '../support/needs.ts';
import { type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { startService } from '../support/service.ts';
import { acquireTestUser } from '../support/user.ts';

const commands = [...imageCommands, ...registryCommands, 'podman', 'newuidmap'];
const skip = needs({ commands, userNamespaces: true, fuse: true });

suite("ch-convert, ch-image and the older commands with others' images", { skip }, async () => {
  const user = await acquireTestUser();
  await makeImages(user);
  const shell = (script: string): Promise<string> => user.runOk(['sh', '-euc', script]);
  const says = async (words: string): Promise<string> => {
    const { status, stderr } = await user.run(words.split(' '));
    assert.equal(status, 1, words);
    return stderr;
  };
  /** What the image holds, found where it came to; in each form of it. */
  const shows = async (place: string): Promise<void> => {
    assert.equal(await user.runOk(['ch-run', place, '--', 'cat', '/work/note']), 'from the image\n', place);
  };
  // Libraries take the most time to pack, and busybox needs none.
  await shell(
    'rm -r image.squashfs image/lib/* image/usr/lib; ch-convert -q ./image image.sqfs; ch-convert -q ./image image.tar.gz',
  );

  test('OCI: from and to all the others, as a directory and as a file, as skopeo reads it', async () => {
    for (const [words, place] of [
      ['./image oci:made', './from-made'],
      ['image.sqfs oci-archive:made.tar:1.0', './from-archive'],
      ['-o oci image.tar.gz made2:x', './from-tar'],
    ] as const) {
      await user.runOk(['ch-convert', '-q', ...words.split(' ')]);
      const output = words.split(' ').at(-1) ?? '';
      const oci = words.startsWith('-o') ? `oci:${output}` : output;
      // As root: skopeo unpacks an archive with the owners that it names.
      const inspected = await runOk(['skopeo', 'inspect', '--config', oci], { cwd: user.home });
      assert.match(inspected, /"architecture"/);
      await user.runOk(['ch-convert', '-q', oci, place]);
      await shows(place);
    }
    await shell(`skopeo --insecure-policy copy -q oci:made:latest oci-archive:copied.oci:other
      ch-convert -q -i oci copied.oci back.sqfs; ch-convert -q -i oci copied.oci:other back.tar.gz
      ch-convert -q -s store oci:made stored; ch-convert -q -s store stored oci:third; ch-convert -q oci:third ./again`);
    for (const place of ['back.sqfs', './again']) await shows(place);
    assert.equal(await user.runOk(['ch-run', '-s', 'store', 'stored', '--', 'cat', '/work/note']), 'from the image\n');
    assert.match(await says('ch-convert oci:nosuch ./x'), /^error: not found: oci:nosuch$/m);
    assert.match(await says('ch-convert oci-archive:made.tar:2 ./x'), /none is named "2"/);
    assert.match(
      await says('ch-convert --no-clobber ./image oci:made'),
      /exists, not deleting per --no-clobber: oci:made/,
    );
    assert.match(await says('ch-convert ./image oci:image'), /does not appear to be an image and is not empty/);
    assert.match(await says('ch-convert ./image ./other'), /formats must be different\n {2}hint: .*-i and -o/);
  });

  /** To an engine from each form, and back to each. */
  const roundTrip = async (engine: 'podman' | 'docker', env: Record<string, string>): Promise<void> => {
    const convert = async (words: string): Promise<CommandResult> =>
      await user.run(['ch-convert', ...words.split(' ')], { env });
    const storage = engine === 'podman' ? 'Podman storage' : 'Docker storage';
    for (const words of ['./image plain', 'image.sqfs lab/tool:1.0', 'image.tar.gz tarball', 'oci:made layout']) {
      const { status, stderr } = await convert(`-o ${engine} ${words}`);
      assert.equal(status, 0, stderr);
      assert.match(stderr, new RegExp(`^input: .*\noutput:  ${engine} .*(?:\n.*)*\nimporting \\.\\.\\.\ndone\n$`));
    }
    for (const words of [
      `plain ./${engine}-dir`,
      `lab/tool:1.0 ${engine}.sqfs`,
      `tarball ${engine}.tar.gz`,
      `layout oci:${engine}-oci`,
    ]) {
      const { status, stderr } = await convert(`-i ${engine} ${words}`);
      assert.equal(status, 0, stderr);
    }
    await shell(`ch-convert -q ${engine}.tar.gz ./${engine}-tar; ch-convert -q oci:${engine}-oci ./${engine}-layout`);
    for (const place of [`./${engine}-dir`, `${engine}.sqfs`, `./${engine}-tar`, `./${engine}-layout`]) {
      await shows(place);
      await user.runOk(['ch-run', place, '--', 'test', '-f', '/ch/environment']);
    }
    const missing = await convert(`-i ${engine} nosuch ./x`);
    assert.deepEqual(
      [missing.status, missing.stderr.split('\n').at(2)],
      [1, `error: source not found in ${storage}: nosuch`],
    );
    const kept = await convert(`--no-clobber -o ${engine} ./image plain`);
    assert.match(kept.stderr, new RegExp(`^error: exists in ${storage}, not deleting per --no-clobber: plain$`, 'm'));
  };

  test("podman's storage of an ordinary user", async (context) => {
    const storage = join(user.home, 'containers');
    await shell(
      `mkdir ${storage}; printf '[storage]\\ndriver = "vfs"\\ngraphroot = "%s/root"\\nrunroot = "%s/run"\\n' ${storage} ${storage} > storage.conf`,
    );
    const env = { CONTAINERS_STORAGE_CONF: join(user.home, 'storage.conf') };
    const probe = await user.run(['podman', 'images'], { env });
    if (probe.status !== 0) return context.skip(`machine: podman does not run for users here: ${probe.stderr.trim()}`);
    try {
      await roundTrip('podman', env);
    } finally {
      // It keeps a process for the user's namespace, and files of other ids in it.
      await user.run(['podman', 'unshare', 'rm', '-rf', storage], { env });
      await user.run(['podman', 'system', 'migrate'], { env });
    }
    return undefined;
  });

  test(
    'docker',
    { skip: isRoot() && isOnPath('dockerd') ? false : 'machine: dockerd as root is needed here' },
    async (context) => {
      // Removed after the daemon has ended.
      const directory = user.makeDirectory('docker');
      const socket = join(directory, 'sock');
      const env = { DOCKER_HOST: `unix://${socket}` };
      const places = ['data-root', 'exec-root', 'pidfile'].flatMap((name) => [`--${name}`, join(directory, name)]);
      const apart = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--storage-driver=vfs'];
      try {
        const isUp = async (): Promise<boolean> =>
          (await run(['docker', 'info'], { env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env } })).status ===
          0;
        // What it mounts goes with it.
        await startService(['unshare', '-m', 'dockerd', '-H', env.DOCKER_HOST, ...places, ...apart], isUp, {
          timeoutMs: 120_000,
        });
      } catch (error) {
        return context.skip(`machine: dockerd does not start here: ${String(error).slice(-500)}`);
      }
      chmodSync(socket, 0o666);
      await roundTrip('docker', env);
      await shell(`mkdir project project-out; cd project; echo built > note
      printf 'FROM plain\\nCOPY note /work/note\\nENV A="of the build"\\n' > Dockerfile`);
      const inProject = async (words: string): Promise<CommandResult> =>
        await user.run(words.split(' '), { env, cwd: join(user.home, 'project') });
      const built = await inProject('ch-build -t tool:2 .');
      assert.equal(built.status, 0, built.stderr);
      assert.match(built.stdout, /Step 2\/3 : COPY/);
      const saved = await inProject('ch-docker2tar tool:2 ..');
      assert.match(saved.stdout, /^[\d.]+ [KM]iB\t.*\/tool\+2\.tar\.gz\n$/, saved.stderr);
      const unpacked = await inProject('ch-build2dir . ../project-out');
      assert.equal(unpacked.status, 0, unpacked.stderr);
      const told = await user.runOk([
        'ch-run',
        '--set-env',
        './project-out/project',
        '--',
        'sh',
        '-c',
        'cat /work/note; echo $A',
      ]);
      assert.equal(told, 'built\nof the build\n');
    },
  );

  suite('a registry', () => {
    let registry: Registry;
    let name: string;
    before(async () => {
      registry = await startRegistry();
      const config = { Env: ['A=of the registry', 'PATH=/bin:/usr/bin'] };
      name = await pushTree(join(user.home, 'image'), { registry, name: 'lab/tool', config });
    });
    const told = ['sh', '-c', 'echo $A; cat /work/note'];
    const expected = 'of the registry\nfrom the image\n';

    test('ch-image pull: an image to run by its name', async () => {
      const pulled = await user.run([
        'ch-image',
        '-s',
        'pulled',
        '--tls-no-verify',
        'pull',
        `${name}:latest`,
        'tool:1',
      ]);
      assert.equal(pulled.status, 0, pulled.stderr);
      assert.equal(await user.runOk(['ch-run', '-s', 'pulled', '--set-env', 'tool:1', '--', ...told]), expected);
      assert.equal(await user.runOk(['ch-image', '-s', 'pulled', 'list']), 'tool:1\n');
    });

    test('ch-pull2dir and ch-pull2tar', async () => {
      await shell('mkdir images');
      const file = `${registry.address}/lab/tool`.replaceAll('/', '.').replaceAll(':', '+');
      const sized = (said: string): string => said.replace(/^[\d.]+ [KM]iB\t/, 'SIZE ');
      const directory = await user.run(['ch-pull2dir', name, 'images']);
      assert.deepEqual(
        [directory.status, directory.stdout],
        [0, `${user.home}/images/${file} unpacked ok\n`],
        directory.stderr,
      );
      assert.equal(await user.runOk(['ch-run', '--set-env', `images/${file}`, '--', ...told]), expected);
      const again = await user.run(['ch-pull2dir', name, 'images']);
      assert.match(again.stderr, /^replacing existing image /m);
      const tarball = await user.run(['ch-pull2tar', `${name}:latest`, 'images']);
      assert.equal(sized(tarball.stdout), `SIZE ${user.home}/images/${file}+latest.tar.gz\n`, tarball.stderr);
      await shell(`ch-convert -q 'images/${file}+latest.tar.gz' ./unpacked`);
      await shows('./unpacked');
      assert.match(await says(`ch-pull2tar ${registry.address}/nosuch images`), /^error: .*nosuch/m);
      assert.equal(await shell('ls images | wc -l'), '2\n');
    });
  });
});
