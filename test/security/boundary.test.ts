// SPDX-License-Identifier: Apache-2.0
// What a program in a container gets hold of from the launcher: no descriptor, no directory outside its root, no way to
// the old root, no write to the launcher; and what the launcher refuses: to run with another's rights, and to use
// a directory that another user could have prepared.
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Step } from '../../src/model/index.ts';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { processesOf } from '../support/leaks.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, makeSquashfs } from '../run/images.ts';
import { launch } from '../run/launch.ts';
import { ownNamespaces, planKeeper } from './own-plans.ts';
import { snapshot } from './snapshot.ts';

const skip = needs({ commands: [...imageCommands, 'gcc'], userNamespaces: true, fuse: true });

suite('between a program and the launcher that became it', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs: plain } = await makeImages(user);
  const tools = temporaryDirectory();
  const source = resolve(import.meta.dirname, 'escape.c');
  await runOk(['gcc', '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-static', '-o', join(tools, 'escape'), source]);
  copyFileSync(join(tools, 'escape'), join(directory, 'bin/escape'));
  chmodSync(join(directory, 'bin/escape'), 0o755);
  const squashfs = `${plain}.escape`;
  await makeSquashfs(directory, squashfs, user);
  const images = [directory, squashfs];
  const plans = planKeeper(user);
  const canary = join(user.makeDirectory('outside'), 'canary');
  writeFileSync(canary, 'kept\n');
  chmodSync(canary, 0o644);

  const list = 'for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd")"; done';
  const readLines = (text: string): readonly string[] => text.trim().split('\n').sort();
  /** The descriptors of the program, and where they lead. */
  const descriptors = async (words: readonly string[], prefix: readonly string[] = []): Promise<readonly string[]> =>
    readLines(await user.runOk([...prefix, 'slipway', 'run', ...words, '--', 'sh', '-c', list]));
  const numbers = (listed: readonly string[]): readonly string[] => listed.map((line) => line.split(' ')[0] ?? '');
  // Whatever the tests' own caller left open.
  const inherited = numbers(readLines(await user.runOk(['sh', '-c', list])));

  test('no descriptor of the launcher’s is left: planned, kept, held, joined, covered', async () => {
    for (const image of images) {
      for (const options of [[], ['-w'], ['--mount', 'type=tmpfs,target=/new/place'], ['-v', `${user.home}:/mnt:ro`]]) {
        for (const round of ['first', 'again']) {
          const listed = await descriptors([...options, image]);
          assert.deepEqual(numbers(listed), inherited, `${round} ${options.join(' ')}: ${listed.join(', ')}`);
        }
      }
    }
  });

  test('a descriptor of the caller’s reaches the program, but neither holder nor FUSE server', async () => {
    const open = ['sh', '-c', 'exec 7<"$0"; exec "$@"', canary];
    const image = `${squashfs}.gift`;
    await user.runOk(['cp', squashfs, image]);
    const listed = await descriptors([image], open);
    assert.deepEqual(numbers(listed), [...inherited, '7'].sort());
    assert.ok(listed.includes(`7 ${canary}`));
    const left = await processesOf(user.uid, 0);
    const kinds = { holder: 0, server: 0 };
    for (const line of left) {
      const pid = line.split(' ')[0] ?? '';
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      if (name === 'slipway-holder') kinds.holder += 1;
      else if (name === 'squashfuse_ll') kinds.server += 1;
      else continue;
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        assert.doesNotMatch(target, /canary|^pipe:/, `${line} has ${fd} -> ${target}`);
      }
    }
    assert.ok(kinds.holder > 0 && kinds.server > 0, left.join('\n'));
  });

  test('a working directory that the container does not show is not kept', async () => {
    const say = 'pwd; readlink /proc/self/cwd; ls .. | head -1; ls /.. | head -1';
    for (const image of images) {
      for (const cwd of ['/usr/lib', '/', '/proc/self']) {
        const result = await user.run(['slipway', 'run', image, '--', 'sh', '-c', say], { cwd });
        const [where, link, above, top] = result.stdout.split('\n');
        // What the container shows of the host, the caller may stay in.
        if (cwd === '/proc/self') assert.match(where ?? '', /^\/(?:proc\/.*)?$/);
        else assert.deepEqual([where, link, above], ['/', '/', top], cwd);
      }
      const gone = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"';
      const { stdout } = await user.run(['sh', '-c', gone, 'sh', 'slipway', 'run', image, '--', 'sh', '-c', say]);
      assert.equal(stdout.split('\n')[0], '/');
    }
  });

  test('a plan that says nothing of a working directory leaves the program in /', async () => {
    const root: Readonly<Record<string, readonly Step[]>> = {
      directory: [
        ownNamespaces(user),
        { step: 'root-directory', path: directory, flags: { readOnly: true }, origin: 'a test' },
        { step: 'enter' },
      ],
      held: [
        ownNamespaces(user),
        { step: 'hold', key: 'c'.repeat(32), lingerMs: 1000, scope: [] },
        {
          step: 'root-squashfuse',
          image: squashfs,
          server: '/usr/bin/squashfuse_ll',
          flags: { readOnly: true },
          origin: 'a test',
        },
        { step: 'enter' },
        { step: 'held' },
      ],
    };
    for (const [name, steps] of Object.entries(root)) {
      const words = plans.keep(`@cwd-${name}`, [...steps, { step: 'exec', argv: [] }]);
      const said = await user.runOk([...words, 'sh', '-c', 'pwd -P; ls . | tr "\\n" " "; echo; ls / | tr "\\n" " "'], {
        cwd: '/usr/lib',
      });
      const [where, here, top] = said.split('\n');
      assert.deepEqual([where, here], ['/', top], name);
    }
  });

  test('no way leads back to the host’s root, not even with the rights of a root inside', async () => {
    // A file of the host that no image has, and that is in nothing which is shown.
    const marker = ['/usr/bin/apt', '/usr/bin/dnf', '/usr/bin/zypper', '/usr/bin/gcc'].find((path) => {
      try {
        return lstatSync(path).isFile();
      } catch {
        return false;
      }
    });
    assert.ok(marker);
    for (const image of images) {
      for (const options of [
        [],
        ['-w'],
        ['-v', '/usr/lib:/mnt'],
        ['--join=always'],
        ['--private=pid'],
        // As root of the namespace that a holder is in, too, one can take the holder's descriptors: so without one.
        ['--uid=0', '--gid=0', '--join=never'],
        ['--uid=0', '--gid=0', '--join=never', '--private=pid,ipc,uts,net,tmp'],
        ['--uid=0', '--gid=0', '-w'],
      ]) {
        for (const cwd of ['/usr', user.home]) {
          const { status, stdout, stderr } = await user.run(
            ['slipway', 'run', ...options, image, '--', 'escape', marker],
            { cwd },
          );
          assert.deepEqual([status, stdout], [0, 'in\n'], `${options.join(' ')}: ${stderr}`);
        }
      }
    }
    // It would notice: on the host it is out.
    const { stdout } = await user.run([join(directory, 'bin/escape'), marker]);
    assert.equal(stdout, 'out by being there\n');
  });

  test('mounts show the old root nowhere, even where a link leads a mount onto the root itself', async () => {
    const image = join(user.home, 'onto-root');
    await user.runOk(['cp', '-a', directory, image]);
    await user.runOk(['sh', '-c', 'cd "$1"; rmdir mnt; ln -s / mnt; mkdir real-proc', 'sh', image]);
    const bind = (from: string, target: string): Step => ({
      step: 'bind',
      source: from,
      target,
      flags: { recursive: true },
      origin: 'a test',
    });
    const words = plans.keep('@onto-root', [
      ownNamespaces(user),
      { step: 'root-directory', path: image, flags: { readOnly: true }, origin: 'a test' },
      bind('/proc', '/real-proc'),
      bind(user.home, '/mnt'),
      { step: 'enter' },
      { step: 'exec', argv: [] },
    ]);
    const mounts = (await user.runOk([...words, 'cat', '/real-proc/self/mountinfo'])).trim().split('\n');
    const host =
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .find((line) => line.split(' ')[4] === '/')
        ?.split(' ') ?? [];
    for (const line of mounts) {
      const [, , device, root, point] = line.split(' ');
      assert.ok(device !== host[2] || root !== host[3], `the host's root at ${point}: ${line}`);
    }
  });

  test('the launcher can’t be written through /proc, while it runs as a holder', async () => {
    const binary = join(user.prefix, 'bin/slipway');
    const before = readFileSync(binary);
    const script = `
      for process in /proc/[0-9]*; do
        case $(cat "$process/comm" 2>/dev/null) in slipway*) found="$found x";; *) continue;; esac
        (echo broken >"$process/exe") 2>/dev/null && echo "wrote $process"
        (echo broken >>"$process/exe") 2>/dev/null && echo "appended to $process"
        cp /bin/sh "$process/exe" 2>/dev/null && echo "replaced $process"
      done
      (echo broken >/proc/self/exe) 2>/dev/null && echo "wrote itself"
      [ -n "$found" ] && echo "saw the holder"`;
    const { stdout } = await launch(user, [squashfs, '--', 'sh', '-c', script]);
    assert.equal(stdout, 'saw the holder\n');
    assert.deepEqual(readFileSync(binary), before);
  });

  test(
    'refuses rights that it was lent: set-user-id, set-group-id, file capabilities',
    { skip: needs({ root: true, commands: ['setfattr'] }) },
    async () => {
      const lent = temporaryDirectory();
      chmodSync(lent, 0o755);
      const path = join(lent, 'slipway');
      copyFileSync(join(user.prefix, 'bin/slipway'), path);
      // VFS_CAP_REVISION_2, effective, CAP_SYS_ADMIN permitted (capabilities(7)).
      const capability = '0x0100000200002000000000000000000000000000';
      for (const [name, lend] of [
        ['nothing', () => Promise.resolve(chmodSync(path, 0o755))],
        ['set-user-id', () => Promise.resolve(chmodSync(path, 0o4755))],
        ['set-group-id', () => Promise.resolve(chmodSync(path, 0o2755))],
        [
          'capabilities',
          () =>
            runOk([
              'sh',
              '-c',
              'chmod 755 "$2" && setfattr -n security.capability -v "$1" "$2"',
              'sh',
              capability,
              path,
            ]),
        ],
      ] as const) {
        await lend();
        const runtime = user.makeDirectory(`run-${name}`);
        chmodSync(runtime, 0o700);
        const { status, stderr } = await user.run([path, 'run', directory, '--', 'true'], {
          env: { XDG_RUNTIME_DIR: runtime },
        });
        const isRefused = /refuse to run set-user-id, set-group-id or with file capabilities/.test(stderr);
        // The copy has no planner beside it: with nothing lent it gets as far as missing that.
        assert.deepEqual([status, isRefused], [125, name !== 'nothing'], `${name}: ${stderr}`);
        assert.equal(readdirSync(runtime).length > 0, name === 'nothing', 'nothing was made before the refusal');
      }
    },
  );

  test(
    'uses no directory for plans that another user could have prepared',
    { skip: needs({ root: true }) },
    async () => {
      // Without XDG_RUNTIME_DIR: places with names that anyone can guess, taken before by someone else.
      const prepared = user.makeDirectory('prepared');
      const taken = [`/dev/shm/slipway-${user.uid}`, `/tmp/slipway-${user.uid}`];
      after(() => {
        for (const path of taken) rmSync(path, { recursive: true, force: true });
      });
      for (const path of taken) rmSync(path, { recursive: true, force: true });
      const takings: Readonly<Record<string, (path: string) => void>> = {
        'a directory of another’s': (path) => {
          mkdirSync(path);
          chmodSync(path, 0o777);
        },
        'a link to a directory': (path) => symlinkSync(prepared, path),
        'a file': (path) => writeFileSync(path, ''),
      };
      for (const [name, take] of Object.entries(takings)) {
        for (const path of taken) take(path);
        const before = [prepared, ...taken].map((path) => snapshot(path));
        for (const image of images) {
          const { status, stdout, stderr } = await launch(user, [image, '--', 'echo', 'ran'], {
            env: { XDG_RUNTIME_DIR: undefined },
          });
          if (status === 0) assert.equal(stdout, 'ran\n', name);
          else assert.match(stderr, /XDG_RUNTIME_DIR/, name);
        }
        assert.deepEqual(
          [prepared, ...taken].map((path) => snapshot(path)),
          before,
          name,
        );
        for (const path of taken) rmSync(path, { recursive: true });
      }
    },
  );
});
