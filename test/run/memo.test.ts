// SPDX-License-Identifier: Apache-2.0
// A kept plan is used exactly when the planner would read the same things again: a changed input is noticed, whatever
// it is and however quickly it changed; what is no input changes nothing.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type UserCommandOptions } from '../support/user.ts';
import { imageCommands, makeImages, makeSquashfs, pullImage, pushTree, writeAs } from './images.ts';
import { type Launch, launch, readTrace } from './launch.ts';

const skip = needs({
  commands: [...imageCommands, ...registryCommands],
  userNamespaces: true,
  fuse: true,
});

suite('a kept plan of slipway run', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const inHome = (name: string): string => join(user.home, name);
  const shell = (script: string, ...words: string[]): Promise<string> =>
    user.runOk(['sh', '-euc', script, 'sh', ...words]);

  /**
   * Launches until a plan is kept, changes something, and launches again: the plan must have been made anew, because of
   * what `because` matches, and what it gives must be `gives`. Without `because` it must have been used again.
   */
  const expectChange = async (
    words: readonly string[],
    change: () => Promise<unknown> | undefined,
    expected: { readonly because?: RegExp; readonly gives?: string },
    options: { readonly before?: UserCommandOptions; readonly after?: UserCommandOptions } = {},
  ): Promise<void> => {
    const before = options.before ?? {};
    await launch(user, words, before);
    const kept = await launch(user, words, before);
    assert.deepEqual([kept.status, kept.wasPlanned], [0, false], kept.said);
    await change();
    const result = await launch(user, words, options.after ?? before);
    assert.deepEqual([result.status, result.wasPlanned], [0, expected.because !== undefined], result.stderr);
    if (expected.because !== undefined) assert.match(result.changed.join('\n'), expected.because);
    if (expected.gives !== undefined) assert.equal(result.stdout, expected.gives);
    const again = await launch(user, words, options.after ?? before);
    assert.deepEqual([again.wasPlanned, again.stdout], [false, result.stdout]);
  };
  const nothing = (): undefined => undefined;

  suite('is made anew when there is a change of', () => {
    test('a variable that was read: its value, its appearance, its absence', async () => {
      const words = [directory, '--', 'true'];
      for (const [before, after, because] of [
        [{ HOME: '/tmp' }, { HOME: user.home }, /^HAVE_ENV HOME$/m],
        [{ SLIPWAY_LINGER: undefined }, { SLIPWAY_LINGER: '1' }, /^LACK_ENV SLIPWAY_LINGER$/m],
        [{ XDG_DATA_HOME: '/tmp/x' }, { XDG_DATA_HOME: undefined }, /^HAVE_ENV XDG_DATA_HOME$/m],
        [{ TMPDIR: '/tmp' }, { TMPDIR: '' }, /^HAVE_ENV TMPDIR$/m],
      ] as const) {
        await expectChange(words, nothing, { because }, { before: { env: before }, after: { env: after } });
      }
    });

    test('a file that was read: content, times, or another in its place', async () => {
      const path = inHome('variables');
      const words = ['--env-file=./variables', directory, '--', 'sh', '-c', 'echo $A'];
      const because = /^HAVE_FILE \S+\/variables$/m;
      await writeAs(user, path, 'A=1\n');
      await expectChange(words, () => writeAs(user, path, 'A=2\n'), { because, gives: '2\n' });
      await expectChange(words, () => shell('echo A=3 >new; touch -r variables new; mv new variables'), {
        because,
        gives: '3\n',
      });
      await expectChange(words, () => shell('touch variables'), { because, gives: '3\n' });
      const { atime, mtime } = statSync(path);
      const sameTimes = async (): Promise<void> => {
        await writeAs(user, path, 'A=4\n');
        utimesSync(path, atime, mtime);
      };
      await expectChange(words, sameTimes, { because, gives: '4\n' });
      await expectChange(words, () => shell('chmod 600 variables'), { because, gives: '4\n' });
    });

    test('a squashfs: rewritten in place, replaced, of the same size and time', async () => {
      const image = inHome('changing.squashfs');
      const words = [image, '--', 'cat', '/work/note'];
      for (const name of ['one', 'two']) {
        await shell('cp -r image "$1"; echo "$1" >"$1/work/note"', name);
        await makeSquashfs(inHome(name), inHome(`${name}.squashfs`), user);
      }
      await shell('cp one.squashfs changing.squashfs');
      const because = /^HAVE_FILE \S+\/changing\.squashfs$/m;
      // The holder of the old image lives on for a while; it must not serve the new one.
      await expectChange(words, () => shell('cp -p two.squashfs new; mv new changing.squashfs'), {
        because,
        gives: 'two\n',
      });
      await expectChange(
        words,
        () => shell('cp -p one.squashfs new; touch -r changing.squashfs new; mv new changing.squashfs'),
        { because, gives: 'one\n' },
      );
    });

    test('what an unpacked image has at the places of mounts', async () => {
      const below = ['-v', './image:/mnt/deep', directory, '--', 'ls', '/mnt'];
      const because = /^(?:HAVE_FILE|LACK_FILE|HAVE_KIND|HAVE_LINK) \S+\/image\/mnt/m;
      // An empty directory can be covered; once something is in it, it must be seen beside the mount.
      await expectChange(below, () => shell('touch image/mnt/beside'), { because, gives: 'beside\ndeep\n' });
      await expectChange(below, () => shell('rm image/mnt/beside'), { because: /image\/mnt/, gives: 'deep\n' });
      const absent = ['-v', './image:/absent/place', directory, '--', 'ls', '/absent'];
      await expectChange(absent, () => shell('mkdir -p image/absent/other'), {
        because: /^LACK_FILE \S+\/image\/absent/m,
        gives: 'other\nplace\n',
      });
      await shell('rmdir image/absent/other image/absent');
      await shell('ln -s /srv image/link');
      const linked = ['-v', './image:/link', directory, '--', 'sh', '-c', 'ls /srv | wc -l; ls /mnt | wc -l'];
      await launch(user, linked);
      await expectChange(linked, () => shell('ln -sfn /mnt image/link'), { because: /^HAVE_LINK \S+\/image\/link/m });
      await shell('rm image/link');
    });

    test('the accounts of the image', async () => {
      const words = [directory, '--', 'grep', '-c', 'added', '/etc/passwd'];
      await shell('echo "added:x:77:77::/:/bin/sh" >>image/etc/passwd');
      await expectChange(words, () => shell('echo "added2:x:78:78::/:/bin/sh" >>image/etc/passwd'), {
        because: /^HAVE_FILE \S+\/image\/etc\/passwd/m,
        gives: '2\n',
      });
    });

    test('the working directory, where a relative path was given, and only there', async () => {
      await shell('mkdir -p a/data b/data; echo a >a/data/file; echo b >b/data/file');
      const [before, after] = [{ cwd: inHome('a') }, { cwd: inHome('b') }];
      const relative = ['-v', './data:/mnt', directory, '--', 'cat', '/mnt/file'];
      await expectChange(relative, nothing, { because: /^HAVE_CWD /m, gives: 'b\n' }, { before, after });
      const absolute = ['-v', `${inHome('a/data')}:/mnt`, directory, '--', 'cat', '/mnt/file'];
      await expectChange(absolute, nothing, { gives: 'a\n' }, { before, after });
    });

    test('the caller’s groups', { skip: needs({ root: true }) }, async () => {
      const words = ['slipway', 'run', directory, '--', 'sh', '-c', 'grep ^Groups /proc/self/status | wc -w'];
      const asMember = async (...groups: number[]): Promise<Launch> => {
        const list = groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join(',')}`];
        const command = [
          'setpriv',
          `--reuid=${user.uid}`,
          `--regid=${user.gid}`,
          ...list,
          '--inh-caps=-all',
          '--',
          ...words,
        ];
        return readTrace(await run(command, { env: { ...user.env, SLIPWAY_TRACE: '1' }, cwd: user.home }));
      };
      await asMember(1000);
      assert.equal((await asMember(1000)).wasPlanned, false);
      for (const groups of [[1000, 1001], [1001], []]) {
        const result = await asMember(...groups);
        assert.deepEqual([result.wasPlanned, result.stdout.trim()], [true, String(groups.length + 1)]);
        assert.match(result.changed.join('\n'), /^IDENTITY/m);
      }
    });

    test('the image behind a tag, and the store', async () => {
      const registry = await startRegistry();
      await shell('cp -r image first; echo first >first/work/note; cp -r image second; echo second >second/work/note');
      const given = { registry, name: 'moving:1', config: {}, user };
      const name = await pullImage(inHome('first'), given);
      const words = [name, '--', 'cat', '/work/note'];
      assert.equal((await launch(user, words)).stdout, 'first\n');
      const move = async (): Promise<void> => {
        await pushTree(inHome('second'), given);
        await user.runOk(['slipway', 'pull', name]);
      };
      await expectChange(words, move, { because: /^HAVE_FILE \S+\/tags\//m, gives: 'second\n' });

      const other = inHome('other-store');
      await shell('cp -r .local/share/slipway other-store');
      await expectChange(
        words,
        nothing,
        { because: /SLIPWAY_STORE/, gives: 'second\n' },
        { after: { env: { SLIPWAY_STORE: other } } },
      );
      await launch(user, words);
      await user.run(['slipway', 'rm', name]);
      const gone = await launch(user, words);
      assert.deepEqual([gone.status, gone.wasPlanned], [125, true], gone.said);
    });
  });

  suite('is not served by a holder of what was there before', () => {
    // Long enough for every launch here to find the one before.
    const env = { SLIPWAY_LINGER: '10', PMI_RANK: '0' };
    const outputOf = async (...words: string[]): Promise<string> => (await launch(user, words, { env })).stdout;

    test('a directory or file that is mounted is replaced', async () => {
      for (const image of [squashfs, directory]) {
        await shell('rm -rf out; mkdir out; echo one >out/file; echo one >single');
        const words = [
          '-v',
          './out:/mnt',
          '-v',
          './single:/work/note',
          image,
          '--',
          'sh',
          '-c',
          'cat /mnt/file /work/note; echo ran >/mnt/ran',
        ];
        assert.equal(await outputOf(...words), 'one\none\n');
        assert.equal((await launch(user, words, { env })).holder, 'joined');
        await shell('rm -rf out; mkdir out; echo two >out/file');
        assert.equal(await outputOf(...words), 'two\none\n');
        assert.equal(readFileSync(inHome('out/ran'), 'utf8'), 'ran\n', 'it is written where it is looked for');
        await shell('echo two >new; mv new single');
        assert.equal(await outputOf(...words), 'two\ntwo\n');
      }
    });

    test('the image is replaced: by a rename, or by a link that leads elsewhere', async () => {
      for (const name of ['v1', 'v2']) {
        await shell('cp -r image "$1"; echo "$1" >"$1/work/note"', name);
        await makeSquashfs(inHome(name), inHome(`${name}.squashfs`), user);
      }
      await shell('ln -s v1 current; ln -s v1.squashfs current.squashfs');
      for (const name of ['./current', './current.squashfs'])
        assert.equal(await outputOf(name, '--', 'cat', '/work/note'), 'v1\n');
      await shell('ln -sfn v2 current; ln -sfn v2.squashfs current.squashfs');
      for (const name of ['./current', './current.squashfs'])
        assert.equal(await outputOf(name, '--', 'cat', '/work/note'), 'v2\n');
      assert.equal(await outputOf('./v1', '--', 'cat', '/work/note'), 'v1\n');
      await shell('mv v1 old; mv v2 v1');
      assert.equal(await outputOf('./v1', '--', 'cat', '/work/note'), 'v2\n');
    });
  });

  test('is used again when only what is no input has changed', async () => {
    await writeAs(user, inHome('unread'), 'x');
    const words = [directory, '--', 'true'];
    for (const [before, after] of [
      [{ SLURM_PROCID: '0' }, { SLURM_PROCID: '1' }],
      [{ PMI_RANK: '0' }, { PMI_FD: '9' }],
      [{ PATH: user.env['PATH'] }, { PATH: `${user.env['PATH']}:/extra` }],
      [{}, { LD_PRELOAD: '/no/such.so' }],
    ] as const) {
      await expectChange(
        words,
        () => writeAs(user, inHome('unread'), 'y'),
        {},
        { before: { env: before }, after: { env: after } },
      );
    }
  });

  test('notices a file that changes faster than the file system’s clock ticks', async () => {
    const path = inHome('hasty');
    const words = ['--env-file=./hasty', directory, '--', 'sh', '-c', 'echo $A'];
    // Written by this process, as nothing else is quick enough.
    for (let turn = 0; turn < 12; turn += 1) {
      await writeAs(user, path, `A=${turn % 10}\n`);
      const script = 'slipway run "$@"; echo A=x >hasty; slipway run "$@"';
      const said = await shell(script, ...words);
      assert.equal(said, `${turn % 10}\nx\n`);
    }
  });

  test('is the same, byte for byte, when it is made again', async () => {
    await writeAs(user, inHome('variables'), 'A=1\n');
    const plans = join(user.runtimeDirectory, 'slipway');
    const planOf = (bytes: Buffer): string => {
      // The time of its making, and the checksum over that.
      bytes.fill(0, 56, 64).fill(0, 16, 24);
      return bytes.toString('latin1');
    };
    for (const words of [
      ['--env-file=./variables', '-v', './image:/mnt/a/b', '-w', directory, '--', 'true'],
      ['-v', './image:/mnt/a/b', '-v', './image:/srv/c', directory, 'true'],
      ['--uid=0', '-v', './image:/absent/b', squashfs, '--', 'true'],
    ]) {
      const made: string[] = [];
      for (let turn = 0; turn < 2; turn += 1) {
        for (const name of readdirSync(plans)) if (/^[px]-/.test(name)) rmSync(join(plans, name));
        assert.equal((await launch(user, words)).status, 0);
        const [name = ''] = readdirSync(plans).filter((entry) => /^[px]-/.test(entry));
        made.push(planOf(readFileSync(join(plans, name))));
      }
      assert.ok((made[0]?.length ?? 0) > 500);
      assert.equal(made[1], made[0]);
      const explained = async (): Promise<string> =>
        await user.runOk(['slipway', 'explain', '--json', 'run', ...words]);
      assert.equal(await explained(), await explained());
    }
  });

  test('gives what the inputs say after each of a hundred random changes', async (context) => {
    const seed = Date.now() % 1_000_000;
    context.diagnostic(`seed ${seed}`);
    const random = generator(seed);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
    await shell(
      'mkdir -p w1/data w2/data; echo w1 >w1/data/file; echo w2 >w2/data/file; cp -r image changing; echo 0 >changing/work/note',
    );
    const state = { A: '0', note: '0', cwd: 'w1', home: user.home, rank: '0', beside: false };
    await writeAs(user, inHome('w1/vars'), 'A=0\n');
    await shell('ln w1/vars w2/vars');
    const script = 'echo $A; cat /work/note; cat /srv/file; echo $HOME; echo $RANK; ls /mnt';
    const words = [
      '--env-file=./vars',
      '-v',
      './data:/srv',
      '-v',
      '/sys:/mnt/deep',
      inHome('changing'),
      '--',
      'sh',
      '-c',
      script,
    ];
    await launch(user, words, { env: { HOME: state.home, RANK: '0' }, cwd: inHome(state.cwd) });
    let planned = 0;
    for (let turn = 1; turn <= 100; turn += 1) {
      const value = String(turn);
      const change = pick(['variable-file', 'rename', 'image', 'cwd', 'home', 'rank', 'beside', 'nothing'] as const);
      switch (change) {
        case 'variable-file':
          state.A = value;
          await shell('echo "A=$1" >w1/vars', value);
          break;
        case 'rename':
          state.A = value;
          await shell('echo "A=$1" >w1/new; mv w1/new w1/vars; ln -f w1/vars w2/vars', value);
          break;
        case 'image':
          state.note = value;
          await shell('echo "$1" >changing/work/note', value);
          break;
        case 'cwd':
          state.cwd = pick(['w1', 'w2']);
          break;
        case 'home':
          state.home = pick([user.home, '/tmp', inHome('w1')]);
          break;
        case 'rank':
          state.rank = value;
          break;
        case 'beside':
          state.beside = !state.beside;
          await shell(state.beside ? 'touch changing/mnt/beside' : 'rm changing/mnt/beside');
          break;
        case 'nothing':
          break;
      }
      const env = { HOME: state.home, RANK: state.rank };
      const result = await launch(user, words, { env, cwd: inHome(state.cwd) });
      const expected = [
        state.A,
        state.note,
        state.cwd,
        state.home,
        state.rank,
        ...(state.beside ? ['beside'] : []),
        'deep',
      ];
      assert.equal(
        result.stdout,
        `${expected.join('\n')}\n`,
        `turn ${turn}, ${change}, seed ${seed}: ${result.stderr}`,
      );
      if (change === 'nothing' || change === 'rank')
        assert.equal(result.wasPlanned, false, `turn ${turn}: ${result.stderr}`);
      planned += result.wasPlanned ? 1 : 0;
    }
    assert.ok(planned > 10 && planned < 90, `${planned} plans`);
  });
});

/** A small generator of numbers from 0 to 1, so that a failure can be had again. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
