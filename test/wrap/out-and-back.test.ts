// SPDX-License-Identifier: Apache-2.0
// ssh and srun from inside a wrapped program, and the same installation on the other side.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { needs } from '../support/needs.ts';
import { slurmCommands, startSlurm } from '../support/slurm.ts';
import { sshdCommands, startSshd } from '../support/sshd.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';

const commands = [...wrapNeeds.commands, ...sshdCommands, ...slurmCommands];

await suite('out of a wrapped program, and back in', { skip: needs({ ...wrapNeeds, commands, root: true }) }, () => {
  let user: TestUser;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    const source = user.makeDirectory('program');
    installed = join(user.makeDirectory('shared'), 'installed');
    await writeFiles(user, source, tellingProgram);
    await user.runOk(['wrap-install', '-w', 'bin', '--prefix', installed, source]);
  });
  const exec = (...words: readonly string[]): readonly string[] => [join(installed, 'bin/_debug_exec'), ...words];

  test('by ssh', async () => {
    const sshd = await startSshd();
    await writeFiles(user, user.home, { key: readFileSync(sshd.keyPath, 'utf8') });
    await user.runOk(['chmod', '600', 'key']);
    const known = sshd.options.map((word) => word.replace(/^UserKnownHostsFile=.*/, 'StrictHostKeyChecking=no'));
    // As whoever runs the tests, whom that sshd lets in.
    const ssh = ['ssh', '-q', '-i', join(user.home, 'key'), ...known, `${sshd.username}@127.0.0.1`];
    const said = await user.runOk(exec(...ssh, join(installed, 'bin/tell'), 'x'));
    assert.match(said, /count=1\nword=<x>\ndata of the program\n$/);
    // What is inside is not there for a program that is not wrapped.
    const outside = await user.run(exec(...ssh, 'cat', join(installed, 'share/data')));
    assert.match(outside.stderr, /No such file or directory/);
  });

  test('by srun, on two nodes', async () => {
    const slurm = await startSlurm();
    const words = exec('srun', '-N2', '-n4', join(installed, 'bin/_debug_exec'), 'sh', '-c');
    const show = `cat ${installed}/share/data; readlink /proc/self/ns/mnt >&2`;
    const { status, stdout, stderr } = await user.run([...words, show], { env: slurm.env, cwd: '/' });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'data of the program\n'.repeat(4));
    // One mount a node.
    assert.equal(new Set(stderr.trim().split('\n')).size, 2);
  });
});
