// SPDX-License-Identifier: Apache-2.0
import { checkLogin, keepCredentials } from '../../image/index.ts';
import { placesOf } from '../../model/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { build } from '../terminal/build.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { printable } from '../terminal/printable.ts';
import { noticeLine } from '../terminal/pull-lines.ts';
import type { CommandContext } from './context.ts';
import { readCredentialScope } from './credential-scope.ts';
import { login } from './descriptions/login.ts';
import { type CommandLine, readCommandLine, usageError } from './read-command-line.ts';

const maxPasswordBytes = 64 * 1024;

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stderr, variables, clock } = environment;
  const line = readCommandLine(login, argv);
  const scope = readCredentialScope(line.operands[0], login);
  const { registry } = scope;
  const home = variables['HOME'] ?? '/';
  const access = await readRegistryAccess({ environment: variables, home });
  const places = placesOf({ registry, repository: scope.namespace ?? 'any' }, access.rules.rules);
  const own = 'blockedBy' in places ? undefined : places.find(({ reference }) => reference.registry === registry);

  const username = await readUsername(line, registry, environment, signal);
  const password = await readPassword(line, registry, environment, signal);
  const credentials = { kind: 'password', username, password } as const;
  const outcome = await checkLogin(
    {
      registry,
      credentials,
      plainHttp: line.has('plain-http'),
      isInsecure: own?.isInsecure ?? false,
      proxy: access.proxy,
      tlsFor: access.tlsFor,
      emit: (event) => {
        const notice = noticeLine(event);
        if (notice !== undefined) stderr.write(`${notice}\n`);
      },
      userAgent: `slipway/${build.version}`,
      clock,
    },
    signal,
  );
  if (outcome === 'not-asked') {
    stderr.write(`warning: ${printable(registry)} lets everybody in, so nothing is known about the password\n`);
  }
  const keeping = { environment: variables, home, helpers: access.rules.credentialHelpers };
  const where = await keepCredentials(scope, credentials, keeping, signal);
  stderr.write(
    `logged in to ${printable(line.operands[0] ?? registry)} as ${printable(username)}; kept by ${printable(where)}\n`,
  );
  return 0;
}

type LoginLine = CommandLine<'username' | 'password-stdin' | 'plain-http' | 'help'>;

async function readUsername(
  line: LoginLine,
  registry: string,
  { stdin, stderr }: FaceEnvironment,
  signal: AbortSignal,
): Promise<string> {
  const given = line.value('username');
  if (given === undefined && (line.has('password-stdin') || !stdin.isTerminal)) {
    throw usageError(login, '--username is missing, and there is no terminal to ask for it');
  }
  const prompt = (): void => stderr.write(`user name for ${printable(registry)}: `);
  const name = given ?? (await stdin.readLine({ isHidden: false, maxBytes: 1024, prompt }, signal)) ?? '';
  if (name === '' || /[:\u0000-\u001f\u007f]/.test(name)) {
    throw usageError(login, name === '' ? 'the user name is empty' : 'the user name has a colon or control characters');
  }
  return name;
}

async function readPassword(
  line: LoginLine,
  registry: string,
  { stdin, stderr }: FaceEnvironment,
  signal: AbortSignal,
): Promise<string> {
  let password: string | undefined;
  if (line.has('password-stdin')) {
    // One newline belongs to `echo`, not to the password.
    password = (await stdin.readAll(maxPasswordBytes, signal))?.toString('utf8').replace(/\r?\n$/, '');
    if (password === undefined) throw usageError(login, `the password has more than ${maxPasswordBytes} bytes`);
  } else {
    if (!stdin.isTerminal)
      throw usageError(login, 'there is no terminal to ask for the password; see --password-stdin');
    const prompt = (): void => stderr.write(`password for ${printable(registry)}: `);
    password = await stdin.readLine({ isHidden: true, maxBytes: maxPasswordBytes, prompt }, signal);
    stderr.write('\n');
  }
  if (password === undefined || password === '') throw usageError(login, 'the password is empty');
  return password;
}
