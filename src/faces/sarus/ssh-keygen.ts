// SPDX-License-Identifier: Apache-2.0
// `sarus ssh-keygen`: one key for the host and one for the person, for ssh between the containers of a job.
import { join, posix } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { readSarusHooks } from '../../site/index.ts';
import { ensureDirectory, removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { createInputs } from '../../sys/inputs.ts';
import { systemSearchPath } from '../../sys/process.ts';
import { runProgram } from '../../sys/run-program.ts';
import type { SarusContext } from './context.ts';
import { sshKeygen as description } from './descriptions/commands.ts';
import { readLine } from './read-line.ts';
import { keyNames, sshKeysDirectory } from './ssh-keys.ts';

export async function sshKeygen(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(description, words);
  const { environment, site, signal } = context;
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const hooks = site.hooksDirectory === undefined ? [] : readSarusHooks(site.hooksDirectory, site.checksOwners, inputs);
  const home = environment.variables['HOME'] ?? '/';
  const directory = sshKeysDirectory(hooks, { userName: context.userName, site, home });
  const paths = keyNames.map((name) => posix.join(directory, name));
  const present = await Promise.all(paths.map(statIfPresent));
  if (present.every((status) => status !== undefined) && !line.has('overwrite')) {
    environment.stdout.write(`SSH keys not generated because they already exist in ${directory}\n`);
    return 0;
  }
  await ensureDirectory(directory, { mode: 0o700 });
  for (const path of paths) {
    await removeIfPresent(path);
    await removeIfPresent(`${path}.pub`);
    const { exitStatus, output } = await runProgram({
      argv: ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'slipway', '-f', path],
      environment: { PATH: systemSearchPath, HOME: home },
      mergesErrors: true,
      maxOutputBytes: 64 * 1024,
      timeoutMs: 60_000,
      signal,
    });
    if (exitStatus !== 0) {
      throw new SlipwayError('sarus-usage', {
        command: description.name,
        topic: 'ssh-keygen',
        reason: `make ${join(path)}: ${output.toString('utf8').trim()}`,
      });
    }
  }
  environment.stdout.write(`Successfully generated SSH keys\n`);
  return 0;
}
