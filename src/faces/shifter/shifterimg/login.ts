// SPDX-License-Identifier: Apache-2.0
import { keepLogin } from '../../../gateway/index.ts';
import { askOnTerminal } from '../../../sys/terminal-prompt.ts';
import type { Asking } from './asking.ts';

/** Asks for a name and a password on the terminal, and keeps them for this system's gateways. */
export async function login(operand: string | undefined, asking: Asking): Promise<number> {
  const location = operand ?? 'default';
  const { signal, environment } = asking;
  const logins = asking.logins();
  const [username, password] = await askOnTerminal(
    [
      { prompt: `${location} username: `, isHidden: false },
      { prompt: `${location} password: `, isHidden: true },
    ],
    (text) => environment.stderr.write(text),
    signal,
  );
  if (username === undefined || username === '' || username.includes(':') || password === undefined) {
    environment.stderr.write('shifterimg: login: there is no user name, or one with a colon\n');
    return 1;
  }
  await keepLogin(logins, { location, username, password });
  return 0;
}
