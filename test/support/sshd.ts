// SPDX-License-Identifier: Apache-2.0
// A real sshd beside a test, on a loopback port with throw-away keys, that lets the test's own user in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { findOnPath } from './needs.ts';
import { freePort, startService } from './service.ts';
import { temporaryDirectory } from './temporary.ts';

export const sshdCommands: readonly string[] = ['sshd', 'ssh', 'ssh-keygen'];

export type Sshd = {
  readonly port: number;
  readonly username: string;
  readonly keyPath: string;
  /** For ssh(1): the port, and the server's key. */
  readonly options: readonly string[];
};

/** Starts sshd; `forceCommand` is run in the place of what a client asks for, which is in SSH_ORIGINAL_COMMAND. */
export async function startSshd(forceCommand?: string): Promise<Sshd> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const key = async (name: string): Promise<string> => {
    const path = join(directory, name);
    await runOk(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path]);
    return path;
  };
  const [hostKey, keyPath] = [await key('host'), await key('client')];
  const authorized = join(directory, 'authorized');
  writeFileSync(authorized, await runOk(['cat', `${keyPath}.pub`]), { mode: 0o600 });
  const config = join(directory, 'config');
  // Debian's sshd wants the directory that its service makes.
  mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(
    config,
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(directory, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      ...(forceCommand === undefined ? [] : [`ForceCommand ${forceCommand}`]),
      '',
    ].join('\n'),
  );
  const program = findOnPath('sshd') ?? '/usr/sbin/sshd';
  await startService([program, '-D', '-e', '-f', config], async () => await isListening(port));
  const known = join(directory, 'known');
  writeFileSync(known, `[127.0.0.1]:${port} ${await runOk(['cat', `${hostKey}.pub`])}`);
  return {
    port,
    username: userInfo().username,
    keyPath,
    options: ['-p', String(port), '-o', `UserKnownHostsFile=${known}`, '-o', 'IdentitiesOnly=yes'],
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
