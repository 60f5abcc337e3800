// SPDX-License-Identifier: Apache-2.0
// What the tests of wrapping share: small programs to be wrapped, wheels made by hand, and saying what came out.
import { dirname, join } from 'node:path';
import type { TestUser } from '../support/user.ts';

/** What `needs` must find for wrapping on the machine itself. */
export const wrapNeeds = {
  commands: ['setpriv', 'squashfuse_ll', 'bash'],
  userNamespaces: true,
  fuse: true,
} as const;

/** Writes files that are the user's: by path, text; a text that begins with `#!` becomes a program. */
export async function writeFiles(
  user: TestUser,
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    await user.runOk(['mkdir', '-p', dirname(path)]);
    await user.runOk(['tee', path], { input: text });
    if (text.startsWith('#!')) await user.runOk(['chmod', '+x', path]);
  }
}

/** A program that tells how it was started, by a file beside it. */
export const tellingProgram: Readonly<Record<string, string>> = {
  'bin/tell': `#!/bin/sh
echo "zero=$0 count=$#"
for word in "$@"; do printf 'word=<%s>\\n' "$word"; done
cat "$(dirname "$0")/../share/data"
`,
  'share/data': 'data of the program\n',
};
