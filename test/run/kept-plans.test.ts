// SPDX-License-Identifier: Apache-2.0
// Plan files that can't be trusted, and directories for them that can't: nothing of them is used, the launch goes on.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fnv1a } from '../../src/plan/index.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from './images.ts';
import { type Launch, launch } from './launch.ts';

const skip = needs({ commands: [...imageCommands, 'strace'], userNamespaces: true, fuse: true });

suite('plan files that can’t be trusted', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const words = [directory, '--', 'echo', 'ran'];
  const plans = join(user.runtimeDirectory, 'slipway');
  const planFiles = (): readonly string[] => readdirSync(plans).filter((name) => /^[px]-/.test(name));
  /** Launches with no plan kept before, and gives the path of the one that is kept then. */
  const keepOne = async (): Promise<string> => {
    if (existsSync(plans)) for (const name of planFiles()) rmSync(join(plans, name), { recursive: true });
    await launch(user, words);
    const [name, ...others] = planFiles();
    assert.ok(name !== undefined && others.length === 0);
    return join(plans, name);
  };

  /** A plan is kept, `spoil` does something to its file, and the launch must ignore it for the reason given. */
  const expectIgnored = async (spoil: (path: string) => void, why: RegExp): Promise<Launch> => {
    spoil(await keepOne());
    const result = await launch(user, words);
    assert.deepEqual([result.status, result.stdout, result.wasPlanned], [0, 'ran\n', true], result.stderr);
    assert.match(result.ignored.join('\n'), why);
    assert.equal((await launch(user, words)).wasPlanned, false, 'a good one took its place');
    return result;
  };
  const rewrite = (path: string, edit: (bytes: Buffer) => Buffer | void): void => {
    const bytes = readFileSync(path);
    writeFileSync(path, edit(bytes) ?? bytes);
  };
  /** Makes header and checksum right again, so that only what was edited is wrong. */
  const seal = (bytes: Buffer): Buffer => {
    bytes.writeUInt32LE(bytes.length, 12);
    bytes.writeBigUInt64LE(fnv1a(bytes.subarray(24)), 16);
    return bytes;
  };

  test('another’s, or writable by others', async () => {
    const foreign = /not a private file of ours/;
    for (const mode of [0o620, 0o602, 0o666]) await expectIgnored((path) => chmodSync(path, mode), foreign);
    if (isRoot()) {
      await expectIgnored((path) => {
        chownSync(path, 0, 0);
        chmodSync(path, 0o644);
      }, foreign);
    }
  });

  test('no file at all: a link to a plan, a directory, a pipe', async () => {
    const path = await keepOne();
    await user.runOk(['sh', '-euc', 'mv "$1" "$1.real"; ln -s "$1.real" "$1"', 'sh', path]);
    const linked = await launch(user, words);
    assert.deepEqual([linked.stdout, linked.wasPlanned], ['ran\n', true]);
    await user.runOk(['sh', '-euc', 'rm "$1"; mkfifo "$1"', 'sh', path]);
    const piped = await launch(user, words);
    assert.deepEqual([piped.stdout, piped.wasPlanned], ['ran\n', true]);
    await user.runOk(['sh', '-euc', 'rm "$1" "$1.real"; mkdir "$1"', 'sh', path]);
    const blocked = await launch(user, words);
    assert.deepEqual([blocked.status, blocked.wasPlanned], [125, true]);
    assert.match(blocked.said, /^slipway: write in \S+\/slipway, the directory for plans: EISDIR[^]*rename/);
    rmSync(path, { recursive: true, force: true });
  });

  test('cut short, empty, longer than it says, or damaged in any one bit', async () => {
    for (const keep of [0, 7, 79, 80, 500])
      await expectIgnored((path) => rewrite(path, (bytes) => bytes.subarray(0, keep)), /no plan|cut short/);
    await expectIgnored((path) => rewrite(path, (bytes) => Buffer.concat([bytes, Buffer.alloc(8)])), /cut short/);
    await expectIgnored((path) => rewrite(path, () => Buffer.alloc(2 << 20)), /too large/);
    for (let turn = 0; turn < 12; turn += 1) {
      const flip = (bytes: Buffer): void => {
        const bit = Math.floor(Math.random() * bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      };
      await expectIgnored((path) => rewrite(path, flip), /no plan|another version|cut short|checksum/);
    }
  });

  test('of another format or build, though otherwise right', async () => {
    const other = /another version of Slipway made it/;
    await expectIgnored(
      (path) => rewrite(path, (bytes) => void bytes.writeUInt32LE(bytes.readUInt32LE(8) + 1, 8)),
      other,
    );
    await expectIgnored(
      (path) =>
        rewrite(path, (bytes) => {
          bytes.write('f'.repeat(32), 24, 'latin1');
          return seal(bytes);
        }),
      other,
    );
  });

  test('for other words under this name: a hash has no say in what is run', async () => {
    const mine = await keepOne();
    await launch(user, [squashfs, '--', 'true']);
    const other = planFiles().find((name) => !mine.endsWith(name)) ?? '';
    await user.runOk(['cp', join(plans, other), mine]);
    const result = await launch(user, words);
    assert.deepEqual([result.stdout, result.wasPlanned], ['ran\n', true]);
    assert.match(result.stderr, /is for other arguments/);
  });

  test('too old, where it rests on the name service, or from the future', { skip: needs({ root: true }) }, async () => {
    const path = await keepOne();
    const age = (byNs: bigint, maxAgeNs: bigint): void => {
      rewrite(path, (bytes) => {
        bytes.writeBigUInt64LE(bytes.readBigUInt64LE(56) + byNs, 56);
        bytes.writeBigUInt64LE(maxAgeNs, 64);
        return seal(bytes);
      });
    };
    const second = 1_000_000_000n;
    age(0n, 3600n * second);
    assert.equal((await launch(user, words)).wasPlanned, false, 'young enough');
    age(-3700n * second, 3600n * second);
    assert.match((await launch(user, words)).stderr, /plan is too old/);
    age(100n * second, 3600n * second);
    assert.match((await launch(user, words)).stderr, /plan is too old/);
    age(-3700n * second, 0n);
    assert.equal((await launch(user, words)).wasPlanned, false, 'without a limit age does not count');
  });

  test('what was made for a plan has vanished: it is made again with the plan', async () => {
    const whole = ['-v', './image:/mnt/deep', directory, '--', 'sh', '-c', 'whoami; ls /mnt'];
    assert.equal((await launch(user, whole)).stdout, `${user.name}\ndeep\n`);
    for (const name of readdirSync(plans)) {
      if (/^[fs]-/.test(name)) rmSync(join(plans, name), { recursive: true });
      const result = await launch(user, whole);
      assert.equal(result.stdout, `${user.name}\ndeep\n`, `without ${name}: ${result.stderr}`);
    }
  });
});

suite('where plans are kept', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const words = [directory, '--', 'echo', 'ran'];
  const shared = `/dev/shm/slipway-${user.uid}`;
  rmSync(shared, { recursive: true, force: true });
  after(() => rmSync(shared, { recursive: true, force: true }));
  const hasSession = existsSync(`/run/user/${user.uid}`);

  const keptIn = (folder: string): boolean =>
    statSync(folder).isDirectory() && readdirSync(folder).some((name) => /^[px]-/.test(name));
  /** Runs with this XDG_RUNTIME_DIR: both kinds of image, twice, the second time from the plan kept in `folder`. */
  const expectKept = async (runtime: string | undefined, folder: string): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    const env = { XDG_RUNTIME_DIR: runtime };
    for (const image of [directory, squashfs]) {
      const first = await launch(user, [image, '--', 'echo', 'ran'], { env });
      assert.deepEqual([first.status, first.stdout, first.wasPlanned], [0, 'ran\n', true], first.stderr);
      assert.equal((await launch(user, [image, '--', 'echo', 'ran'], { env })).wasPlanned, false);
    }
    assert.ok(keptIn(folder), folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(folder).uid, user.uid);
  };

  test('in XDG_RUNTIME_DIR, even where all may look into that', async () => {
    const open = user.makeDirectory('open');
    await expectKept(open, join(open, 'slipway'));
  });

  test('in one place for ranks that come at once: who finds it missing may find it made', async () => {
    const calls = join(user.home, 'calls');
    // The launch is held up between its look and its mkdir; meanwhile another makes the directory, if he is fast enough.
    for (const holdSeconds of [1, 10, 100]) {
      const runtime = user.makeDirectory(`crowded-${holdSeconds}`);
      const place = join(runtime, 'slipway');
      const hold = ['-e', 'trace=/^mkdir', '-e', `inject=/^mkdir:delay_enter=${holdSeconds}000000:when=1`];
      const launching = launch(user, words, {
        env: { XDG_RUNTIME_DIR: runtime },
        before: ['strace', '-qq', ...hold, '-o', calls],
      });
      const ended = launching.then(
        () => true,
        () => true,
      );
      const isHeldUp = (): boolean => existsSync(calls) && readFileSync(calls, 'utf8').includes(place);
      while (!isHeldUp() && (await Promise.race([ended, delay(10)])) !== true);
      await user.run(['mkdir', '-m', '700', place]);
      const { stdout, stderr } = await launching;
      assert.equal(stdout, 'ran\n', stderr);
      assert.ok(keptIn(place) && !existsSync(shared));
      if (/^mkdir.* = -1 EEXIST/m.test(readFileSync(calls, 'utf8'))) return;
    }
    assert.fail('no launch found the directory made by another');
  });

  test(
    'in memory, where it is unset, empty, relative, missing, a file, or another’s',
    { skip: hasSession ? 'machine: the test user has a session' : false },
    async () => {
      const foreign = user.makeDirectory('foreign');
      if (isRoot()) chownSync(foreign, 0, 0);
      else chmodSync(foreign, 0o500);
      for (const runtime of [undefined, '', 'relative', '/no/such', '/etc/passwd', foreign])
        await expectKept(runtime, shared);
      assert.deepEqual(readdirSync(foreign), []);
    },
  );

  test(
    'elsewhere, where someone put a directory, a link or a file of that name',
    { skip: hasSession ? 'machine: the test user has a session' : false },
    async () => {
      for (const make of [
        (path: string): void => {
          mkdirSync(path);
          chmodSync(path, 0o755);
          if (isRoot()) chownSync(path, user.uid, user.gid);
        },
        (path: string): void => {
          mkdirSync(path);
          chmodSync(path, 0o777);
        },
        (path: string): void => writeFileSync(path, ''),
      ]) {
        const runtime = user.makeDirectory('taken');
        make(join(runtime, 'slipway'));
        await expectKept(runtime, shared);
        assert.ok(!keptIn(join(runtime, 'slipway')));
        rmSync(runtime, { recursive: true });
      }
      const runtime = user.makeDirectory('linked');
      const target = user.makeDirectory('target');
      chmodSync(target, 0o700);
      await user.runOk(['ln', '-s', target, join(runtime, 'slipway')]);
      await expectKept(runtime, shared);
      assert.deepEqual(readdirSync(target), []);
    },
  );

  test('what nobody has used for a week goes, what is in use stays', async () => {
    const plans = join(user.runtimeDirectory, 'slipway');
    await launch(user, [directory, '--', 'true']);
    await user.runOk([
      'sh',
      '-c',
      'cd "$1"; touch -d "8 days ago" p-old x-old f-old k-old; touch -d "8 days ago" other; touch p-young',
      'sh',
      plans,
    ]);
    await launch(user, ['--env=A=1', directory, '--', 'true']);
    const left = readdirSync(plans);
    for (const name of ['p-old', 'x-old', 'f-old', 'k-old']) assert.ok(!left.includes(name), name);
    for (const name of ['other', 'p-young']) assert.ok(left.includes(name), name);
    assert.equal((await launch(user, [directory, '--', 'true'])).wasPlanned, false);
  });
});
