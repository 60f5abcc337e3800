// SPDX-License-Identifier: Apache-2.0
// A real solver and installer of conda packages for the tests: py-rattler, with the words of micromamba and conda.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestUser } from '../support/user.ts';
import { writeFiles } from './installations.ts';
import { pipVariables } from './python-projects.ts';

/** Puts it into `~/tools` as micromamba, with its Python in `~/solver`; else gives the reason to skip. */
export async function installSolver(user: TestUser): Promise<string | false> {
  await user.runOk(['python3', '-m', 'venv', 'solver']);
  const got = await user.run(['solver/bin/pip', 'install', '--quiet', 'py-rattler'], { env: pipVariables });
  if (got.status !== 0) return 'machine: py-rattler is not to be had from the index that pip is configured with';
  const tool = readFileSync(join(import.meta.dirname, 'rattler-conda.py'), 'utf8');
  const withSolver = tool.replace(/^#!.*/, `#!${user.home}/solver/bin/python`);
  await writeFiles(user, join(user.home, 'tools'), { micromamba: withSolver });
  return false;
}
