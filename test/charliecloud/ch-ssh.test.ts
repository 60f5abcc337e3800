// SPDX-License-Identifier: Apache-2.0
// `ch-run --ch-ssh`: a program of a container starts another on another machine, in an image there. That machine is an sshd
// that runs what it is asked for as the test user, in an environment of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { imageCommands, makeImages, writeAs } from '../run/images.ts';
import { needs } from '../support/needs.ts';
import { sshdCommands, startSshd } from '../support/sshd.ts';
import { acquireTestUser } from '../support/user.ts';

const commands = [...imageCommands, ...sshdCommands];

suite('ch-ssh', { skip: needs({ commands, userNamespaces: true, root: true }) }, async () => {
  const user = await acquireTestUser();
  await makeImages(user);
  const variables = [`PATH=${user.prefix}/bin:/usr/bin:/bin`, `HOME=${user.home}`, `USER=${user.name}`, 'WHERE=there'];
  const remote = user.command(['env', '-i', '-C', user.home, ...variables, 'sh', '-c']);
  const script = join(user.home, 'remote');
  await writeAs(user, script, `#!/bin/sh\nexec ${remote.join(' ')} "$SSH_ORIGINAL_COMMAND"\n`, '755');
  const sshd = await startSshd(script);
  await writeAs(user, join(user.home, 'key'), readFileSync(sshd.keyPath, 'utf8'), '600');
  // ssh and its libraries where they are on this machine.
  await user.runOk([
    'sh',
    '-euc',
    `cp -a image there; echo there > there/work/note
     for f in $(command -v ssh) $(ldd "$(command -v ssh)" | grep -o '/[^ ]*'); do
       mkdir -p "image$(dirname "$f")"; cp -L --remove-destination "$f" "image$f"
     done
     mkdir -p image/usr/bin; touch image/usr/bin/ch-ssh`,
  ]);
  const options = sshd.options.map((word) => word.replace(/^(UserKnownHostsFile)=.*/, '$1=/dev/null'));
  const chSsh = [
    'ch-ssh',
    '-i',
    '/mnt/key',
    ...options,
    '-o',
    'StrictHostKeyChecking=no',
    `${sshd.username}@127.0.0.1`,
    '--',
  ];
  const here = (...words: string[]): readonly string[] => [
    'ch-run',
    '--ch-ssh',
    '-b',
    '.:/mnt',
    './image',
    '--',
    ...words,
  ];

  test('the command runs on the other machine, in the image that CH_RUN_ARGS names', async () => {
    const env = { CH_RUN_ARGS: '--cd /work  ./there' };
    assert.equal(await user.runOk(here(...chSsh, 'cat', 'note'), { env }), 'there\n');
    assert.match(await user.runOk(here(...chSsh, 'env'), { env }), /^WHERE=there$/m);
    assert.equal((await user.run(here(...chSsh, 'false'), { env })).status, 1);
    assert.equal(await user.runOk(here('sh', '-c', 'cat /work/note; echo "$WHERE"'), { env }), 'from the image\n\n');
  });

  test('what is missing is said', async () => {
    const unset = await user.run(here(...chSsh, 'true'), { env: { CH_RUN_ARGS: undefined } });
    assert.deepEqual([unset.status, /error: CH_RUN_ARGS not set/.test(unset.stderr)], [1, true], unset.stderr);
    const without = await user.run(['ch-run', '--ch-ssh', './there', '--', 'true']);
    assert.equal(without.status, 1);
    assert.match(without.stderr, /error: --ch-ssh: \/usr\/bin\/ch-ssh not in image/);
  });
});
