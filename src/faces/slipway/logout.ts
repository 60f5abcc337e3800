// SPDX-License-Identifier: Apache-2.0
import { dropAllCredentials, dropCredentials } from '../../image/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { readCredentialScope } from './credential-scope.ts';
import { logout } from './descriptions/login.ts';
import { readCommandLine, usageError } from './read-command-line.ts';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stdout, variables } = environment;
  const line = readCommandLine(logout, argv);
  if (line.has('all') && line.operands.length > 0) throw usageError(logout, '--all leaves no registry to be named');
  const home = variables['HOME'] ?? '/';
  const { rules } = await readRegistryAccess({ environment: variables, home });
  const keeping = { environment: variables, home, helpers: rules.credentialHelpers };
  const dropped = line.has('all')
    ? await dropAllCredentials(keeping, signal)
    : await dropCredentials(readCredentialScope(line.operands[0], logout), keeping, signal);
  for (const place of dropped) stdout.write(`${printable(place)}\n`);
  return 0;
}
