// SPDX-License-Identifier: Apache-2.0
// Images in which everything that a launch mounts on, or makes mount points in, is a symbolic link that leads elsewhere.
// Outside the image nothing may be made, changed or touched; inside, a mount works, or the launch fails and says where.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Step } from '../../src/model/index.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, makeSquashfs } from '../run/images.ts';
import { ownNamespaces, planKeeper } from './own-plans.ts';
import { snapshot } from './snapshot.ts';

const skip = needs({ commands: imageCommands, userNamespaces: true, fuse: true, kernel: '5.11' });

/** What a launch mounts on by default, or is told to. */
const filePlaces = ['/etc/passwd', '/etc/group', '/etc/resolv.conf', '/etc/hosts'] as const;
const directoryPlaces = ['/dev', '/proc', '/sys', '/tmp', '/home', '/work', '/mnt'] as const;

suite('images of hostile links', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory: base } = await makeImages(user);
  const plans = planKeeper(user);
  // What a way out of the image would lead to: the user's own, so that nothing but the launcher protects it.
  const outside = user.makeDirectory('outside');
  const shared = dirname(outside);
  await user.runOk([
    'sh',
    '-c',
    'mkdir "$1/directory"; echo kept >"$1/file"; echo kept >"$1/directory/file"',
    'sh',
    outside,
  ]);
  await user.runOk(['sh', '-c', 'mkdir data; echo one >data/file']);
  const data = join(user.home, 'data');

  /** Texts for the links, by name. The host's `shared` is shown in the container at /shown. */
  const texts: Readonly<Record<string, string>> = {
    'absolute': `${outside}/directory`,
    'absolute-file': `${outside}/file`,
    'absolute-dangling': `${outside}/missing`,
    'up': `${'../'.repeat(20)}${outside.slice(1)}/directory`,
    'up-dangling': `../${'../'.repeat(20)}${outside.slice(1)}/missing`,
    'via-another': '/via/directory',
    'loop': '/loop',
    'own-root': '/',
    'parent': '..',
    'nowhere': '/no/such/place',
    'proc-self-root': `/real-proc/self/root${outside}/directory`,
    'proc-init-root': `/real-proc/1/root${outside}/directory`,
    'proc-caller-root': `/real-proc/${process.pid}/root${outside}/directory`,
    'proc-descriptor': '/real-proc/self/fd/3',
    'proc-cwd': '/real-proc/self/cwd',
    'shown': '/shown/outside/directory',
    'shown-file': '/shown/outside/file',
    'shown-dangling': '/shown/outside/missing',
    'shown-up': '/shown/../shown/outside/../outside/directory',
  };

  /** The image with each of these places replaced by a link. */
  const makeHostile = async (name: string, text: string, places: readonly string[]): Promise<string> => {
    const image = join(user.home, `hostile-${name}`);
    await user.runOk(['cp', '-a', base, image]);
    for (const place of places) rmSync(join(image, place), { recursive: true, force: true });
    await user.runOk(
      [
        'sh',
        '-c',
        'cd "$1"; text=$2; shift 2; mkdir -p shown real-proc; ln -s loop loop; ln -s "$OUTSIDE" via; for p; do ln -s "$text" ".$p"; done',
        'sh',
        image,
        text,
        ...places,
      ],
      { env: { OUTSIDE: outside } },
    );
    return image;
  };
  const before = snapshot(outside);
  const nothingChanged = (what: string): void => assert.deepEqual(snapshot(outside), before, what);

  const bind = (source: string, target: string, create: boolean): Step => ({
    step: 'bind',
    source,
    target,
    flags: { recursive: true, create },
    origin: 'a test',
  });
  const roots: Readonly<Record<string, (image: string) => readonly Step[]>> = {
    'read-only': (path) => [
      { step: 'root-directory', path, flags: { readOnly: true, nosuid: true }, origin: 'a test' },
    ],
    'written-to': (path) => [{ step: 'root-directory', path, flags: { nosuid: true }, origin: 'a test' }],
    'covered': (path) => [
      { step: 'root-directory', path, flags: { readOnly: true }, origin: 'a test' },
      { step: 'overlay', on: { tmpfsBytes: 1 << 20 }, origin: 'a test' },
    ],
  };
  // One shell for all launches of an image; of each: its name, its status, and what it said, which is what the program
  // finds at the mount point.
  const launchAll = `
    for name; do
      said=$(slipway run "$name" -- sh -c 'if [ -d "$0" ]; then cat "$0/file"; else cat "$0"; fi' "\${name##* }" 2>&1)
      echo "$name $? $said" | tr "\\n" " "
      echo
    done`;
  const failed = / 125 slipway: (?:find the mount point|mount on|restrict the mount on) \/\S+: .+ \(E[A-Z]+\)/;
  /** Mounted on the root itself, data is beneath what the program has for its root. */
  const coversRoot = (name: string, line: string): boolean =>
    /^own-root|^parent/.test(name) && / [01] cat: /.test(line);

  for (const [name, text] of Object.entries(texts)) {
    test(`a link to ${name} is as safe as any: each place alone, in roots of each kind`, async () => {
      const image = await makeHostile(name, text, [...filePlaces, ...directoryPlaces]);
      const targets = [
        ...filePlaces.flatMap((place) => [[join(data, 'file'), place] as const, [data, `${place}/new/place`] as const]),
        ...directoryPlaces.flatMap((place) => [
          [data, place] as const,
          [data, `${place}/new/place`] as const,
          [join(data, 'file'), `${place}/new-file`] as const,
        ]),
      ];
      const names: string[] = [];
      for (const [kind, root] of Object.entries(roots)) {
        for (const [source, target] of targets) {
          const plan = `@${name} ${kind} ${target}`;
          names.push(plan);
          plans.keep(plan, [
            ownNamespaces(user),
            ...root(image),
            bind('/proc', '/real-proc', false),
            bind(shared, '/shown', false),
            bind(source, target, true),
            { step: 'enter' },
            { step: 'exec', argv: [] },
          ]);
        }
      }
      const said = await user.runOk(['sh', '-c', launchAll, 'sh', ...names]);
      nothingChanged(name);
      const lines = said.trim().split('\n');
      assert.equal(lines.length, names.length);
      for (const line of lines) {
        assert.ok(/ 0 one *$/.test(line) || failed.test(line) || coversRoot(name, line), line);
      }
    });
  }

  test('mounts land where the link leads inside the image, and nowhere else', async () => {
    const image = await makeHostile('inside', '/inner', ['/mnt', '/etc/hosts']);
    await user.runOk([
      'sh',
      '-c',
      'cd "$1"; mkdir inner; ln -sfn /inner/hosts etc/hosts; echo own >inner/hosts',
      'sh',
      image,
    ]);
    const words = plans.keep('@inside', [
      ownNamespaces(user),
      ...(roots['read-only']?.(image) ?? []),
      bind(join(data, 'file'), '/etc/hosts', false),
      bind(data, '/mnt', false),
      { step: 'enter' },
      { step: 'exec', argv: [] },
    ]);
    assert.equal(await user.runOk([...words, 'cat', '/inner/file', '/mnt/file']), 'one\none\n');
  });

  test('slipway run on them: works, or fails and says on which path', async () => {
    for (const name of ['absolute', 'up-dangling', 'loop', 'proc-init-root', 'parent']) {
      const image = await makeHostile(`run-${name}`, texts[name] ?? '', [...filePlaces, ...directoryPlaces]);
      const squashfs = `${image}.squashfs`;
      await makeSquashfs(image, squashfs, user);
      for (const one of [image, squashfs]) {
        for (const options of [
          [],
          ['--no-home'],
          ['-w', '-v', `${data}:/work/new/place`],
          ['-v', `${data}/file:/mnt/new`],
          ['-C', '/work'],
          ['--mount', 'type=tmpfs,target=/home/new'],
        ]) {
          const words = ['slipway', 'run', ...options, one, '--', 'sh', '-c', 'echo ran'];
          const { status, stdout, stderr } = await user.run(words, { timeoutMs: 60_000 });
          if (status === 0) assert.equal(stdout, 'ran\n');
          else assert.match(stderr, /^slipway: .* \/[^:]*: .+/, words.join(' '));
          assert.ok(status === 0 || status === 125, `${words.join(' ')}: ${status}: ${stderr}`);
        }
      }
      nothingChanged(name);
    }
  });

  test('accounts that are no files, or files that nobody would write, end no launch but their own', async () => {
    const makers: Readonly<Record<string, (path: string) => Promise<unknown> | void>> = {
      'a pipe': (path) => user.runOk(['mkfifo', path]),
      'a directory': (path) => mkdirSync(path),
      'five megabytes': (path) => writeFileSync(path, 'x'.repeat(5 << 20)),
      'bytes': (path) => writeFileSync(path, Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 256))),
      'not to be read': (path) => {
        writeFileSync(path, 'root:x:0:0::/:/bin/sh\n');
        chmodSync(path, 0o000);
      },
      'a terminal’s worst': (path) => writeFileSync(path, `\u001b]0;title\u0007:x:${user.uid}:0::/:/bin/sh\n`),
      'a link to a pipe': async (path) => {
        await user.runOk(['mkfifo', `${path}.pipe`]);
        symlinkSync('passwd.pipe', path);
      },
    };
    for (const [name, make] of Object.entries(makers)) {
      const image = join(user.home, 'odd');
      await user.runOk(['cp', '-a', base, image]);
      rmSync(join(image, 'etc/passwd'));
      await make(join(image, 'etc/passwd'));
      const { status, stdout, stderr } = await user.run(['slipway', 'run', image, '--', 'echo', 'ran'], {
        timeoutMs: 60_000,
      });
      if (status === 0) assert.equal(stdout, 'ran\n', name);
      else assert.match(stderr, /^slipway: .*\/etc\/passwd/, name);
      assert.doesNotMatch(stderr, /defect|RangeError/, name);
      assert.equal(stderr.includes('\u001b'), false, name);
      rmSync(image, { recursive: true });
    }
  });
});
