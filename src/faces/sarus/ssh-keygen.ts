// SPDX-License-Identifier: Apache-2.0
// `sarus ssh-keygen`: one key for the host and one for the person, for ssh between the containers of a job.
import { posix } from 'node:path';
import { hostKey, userKey } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { ensureDirectory, removeIfPresent, statIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { createInputs } from '../../sys/inputs.ts';
import { systemSearchPath } from '../../sys/process.ts';
import { runProgram } from '../../sys/run-program.ts';
import type { SarusContext } from './context.ts';
import { sshKeygen as description } from './descriptions/commands.ts';
import { readLine } from './read-line.ts';
import { siteHooks } from './site-hooks.ts';
import { sshSettings } from './ssh-keys.ts';

export async function sshKeygen(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(description, words);
  const { environment, site, signal } = context;
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const hooks = siteHooks(site, inputs);
  const home = environment.variables['HOME'] ?? '/';
  const { keys, dropbear } = sshSettings(hooks, { userName: context.userName, site, home });
  const paths = [hostKey, userKey].map((name) => posix.join(keys, name));
  const present = await Promise.all([...paths, `${paths[1] ?? ''}.pub`].map(statIfPresent));
  if (present.every((status) => status !== undefined) && !line.has('overwrite')) {
    environment.stdout.write(`SSH keys not generated because they already exist in ${keys}\n`);
    return 0;
  }
  if (dropbear === undefined) throw new SlipwayError('sarus-ssh-missing', {});
  await ensureDirectory(keys, { mode: 0o700 });
  for (const path of paths) {
    await removeIfPresent(path);
    const { exitStatus, output } = await runProgram({
      argv: [posix.join(dropbear, 'bin/dropbearkey'), '-t', 'ecdsa', '-f', path],
      environment: { PATH: systemSearchPath, HOME: home },
      mergesErrors: true,
      maxOutputBytes: 64 * 1024,
      timeoutMs: 60_000,
      signal,
    });
    const text = output.toString('utf8');
    const publicKey = text.split('\n').find((each) => each.startsWith('ecdsa-'));
    if (exitStatus !== 0 || publicKey === undefined) {
      throw new SlipwayError('sarus-ssh-key', { path, reason: text.trim() });
    }
    await writeFileAtomic(`${path}.pub`, `${publicKey}\n`, { mode: 0o644 });
  }
  environment.stdout.write(`Successfully generated SSH keys\n`);
  return 0;
}
