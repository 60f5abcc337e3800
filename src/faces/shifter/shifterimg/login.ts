// SPDX-License-Identifier: Apache-2.0
import { keepLogin } from '../../../gateway/index.ts';
import { checkLogin } from '../../../image/index.ts';
import { describeError, hasCode, SlipwayError } from '../../../model/index.ts';
import { proxySettings } from '../../../site/index.ts';
import { askOnTerminal } from '../../../sys/terminal-prompt.ts';
import { build } from '../../terminal/build.ts';
import type { Asking } from './asking.ts';

/**
 * Asks for a name and a password on the terminal, and keeps them for this system's gateways, unless the registry says
 * that they are wrong. Where it can't be asked from here (the default one, which only the gateway knows, or one behind
 * its firewall) that is said.
 */
export async function login(operand: string | undefined, asking: Asking): Promise<number> {
  const location = operand ?? 'default';
  const { signal, environment } = asking;
  const logins = asking.logins();
  const refuse = (reason: string): SlipwayError => new SlipwayError('gateway-login-failed', { location, reason });
  if (!/^[A-Za-z0-9._:[\]-]+$/.test(location)) throw refuse('this is no name of a registry');
  const [username = '', password = ''] = await askOnTerminal(
    [
      { prompt: `${location} username: `, isHidden: false },
      { prompt: `${location} password: `, isHidden: true },
    ],
    (text) => environment.stderr.write(text),
    signal,
  ).catch((error: unknown) => {
    throw refuse(describeError(error));
  });
  if (username === '' || username.includes(':')) throw refuse('a user name is not empty and has no colon');
  if (password === '') throw refuse('the password is empty');
  const isKnown = operand !== undefined && (await isAccepted({ location, username, password }, asking, refuse));
  if (!isKnown) environment.stderr.write('shifterimg: login: kept, but not checked with a registry\n');
  await keepLogin(logins, { location, username, password });
  return 0;
}

/** Whether the registry has confirmed the password; false where it can't be asked from here. */
async function isAccepted(
  login: { readonly location: string; readonly username: string; readonly password: string },
  { environment, signal }: Asking,
  refuse: (reason: string) => SlipwayError,
): Promise<boolean> {
  const { location: registry, username, password } = login;
  try {
    const outcome = await checkLogin(
      {
        registry,
        credentials: { kind: 'password', username, password },
        proxy: proxySettings(environment.variables),
        emit: () => undefined,
        userAgent: `shifterimg slipway/${build.version}`,
        clock: environment.clock,
        limits: { attempts: 1 },
      },
      signal,
    );
    return outcome === 'accepted';
  } catch (error) {
    signal.throwIfAborted();
    if (hasCode(error, 'registry-denied')) throw refuse('the registry does not accept this user and password');
    return false;
  }
}
