// SPDX-License-Identifier: Apache-2.0
// The module files of an installation, loaded and unloaded by Lmod and by Environment Modules. The two can't be installed
// side by side on Debian: of the second its one program is taken out of its package, and run by the tclsh of the first.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { tellingProgram, wrapNeeds, writeFiles } from './installations.ts';

const lmod = '/usr/share/lmod/lmod/libexec/lmod';

await suite('module files', { skip: needs({ ...wrapNeeds, commands: [...wrapNeeds.commands, lmod] }) }, () => {
  let user: TestUser;
  /** A name that shells, Lua and Tcl would all read something into. */
  let installed: string;
  let files: readonly string[];
  before(async () => {
    user = await acquireTestUser();
    installed = join(user.home, "it's $5 [exit 3] {x");
    const source = user.makeDirectory('program');
    await writeFiles(user, source, tellingProgram);
    await user.runOk(['wrap-install', '-w', 'bin', '--prefix', installed, source]);
    const words = ['slipway', 'wrap', 'module', installed, '--name', 'tools/1.0', '--output', 'modules'];
    files = (await user.runOk(words)).trim().split('\n');
  });

  /** Loads tools/1.0 from a directory with a program that answers as modulecmd does, runs its program, and unloads it. */
  async function use(modulecmd: string, directory: string): Promise<void> {
    const script = `module() { eval "$(${modulecmd} sh "$@")"; }
module use "$1" && module load tools/1.0 || exit 9
printf '%s\\n' "$TYKKY_PREFIX" && command -v tell && tell word
module unload tools/1.0
printf '%s\\n' "\${TYKKY_PREFIX-gone}" "$PATH"`;
    const { status, stdout, stderr } = await user.run(['sh', '-c', script, 'sh', directory]);
    assert.equal(status, 0, stderr);
    const program = `${installed}/bin/tell`;
    assert.equal(
      stdout,
      `${installed}\n${program}\nzero=${program} count=1\nword=<word>\ndata of the program\ngone\n${user.env['PATH']}\n`,
      stderr,
    );
  }

  test('are two, for both languages', () => {
    assert.deepEqual(files, [join(user.home, 'modules/tools/1.0.lua'), join(user.home, 'modules/tools/1.0')]);
  });

  test('Lmod loads and unloads the one in Lua, and the one in Tcl', async () => {
    await use(lmod, join(user.home, 'modules'));
    await user.runOk(['sh', '-c', 'mkdir -p tcl/tools && cp modules/tools/1.0 tcl/tools']);
    await use(lmod, join(user.home, 'tcl'));
    const told = await user.run(['sh', '-c', `${lmod} sh help tools/1.0`], {
      env: { MODULEPATH: join(user.home, 'modules') },
    });
    assert.match(told.stderr, /Programs of tools\/1\.0, wrapped by Slipway\./);
  });

  test('Environment Modules loads and unloads the one in Tcl', async (context) => {
    const unpacked = user.makeDirectory('environment-modules');
    const fetched = await run(['apt-get', 'download', '--quiet', 'environment-modules'], { cwd: unpacked });
    if (fetched.status !== 0) return context.skip(`machine: no Debian package to be had: ${fetched.stderr}`);
    await runOk(['sh', '-c', 'dpkg-deb --extract environment-modules_*.deb .'], { cwd: unpacked });
    const modulecmd = (await runOk(['find', unpacked, '-name', 'modulecmd.tcl', '-type', 'f'])).trim();
    await use(`/usr/bin/tclsh ${modulecmd}`, join(user.home, 'modules'));
  });
});
