// SPDX-License-Identifier: Apache-2.0
// pip-containerize with real wheels of the index that pip is configured with, and with projects that are built here.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { wrapNeeds, writeFiles } from './installations.ts';
import { indexReason, makeCompiledProject, makeScriptProject, pipVariables } from './python-projects.ts';

await suite(
  'pip-containerize',
  { skip: needs({ ...wrapNeeds, commands: [...wrapNeeds.commands, 'gcc', 'mpirun.openmpi'] }) },
  async () => {
    let user: TestUser;
    let reason: string | false;
    let installed: string;
    let said: string;
    before(async () => {
      user = await acquireTestUser();
      reason = await indexReason(user);
      if (reason !== false) return;
      installed = join(user.home, 'installed');
      await makeScriptProject(user, join(user.home, 'telling'));
      await makeCompiledProject(user, join(user.home, 'compiled'));
      await writeFiles(user, join(user.home, 'edited'), {
        'pyproject.toml': '[project]\nname = "edited"\nversion = "1.0"\n[tool.setuptools]\npy-modules = ["edited"]\n',
        'edited.py': 'value = 1\n',
      });
      await writeFiles(user, user.home, {
        'req.txt': 'numpy\nscipy\npandas\nmpi4py\n./telling\n./compiled\n-e ./edited\n',
      });
      said = await user.runOk(['pip-containerize', 'new', '--prefix', installed, 'req.txt'], {
        env: pipVariables,
        timeoutMs: 300_000,
      });
    });
    const python = async (text: string): Promise<unknown> =>
      JSON.parse(await user.runOk([join(installed, 'bin/python'), '-c', `import json\n${text}`], { cwd: '/' }));
    const check = (name: string, body: () => Promise<void>): void => {
      test(name, async (context) => {
        if (reason !== false) context.skip(reason);
        else await body();
      });
    };

    check('says what it does, and leaves one image', async () => {
      assert.match(said, /\[ INFO \] Using .*\/cw-[A-Z0-9]{6} as temporary directory \n/);
      assert.match(said, /\[ INFO \] Done, duration: \d+s /);
      assert.ok(said.includes(`export PATH="${installed}/bin:$PATH"`));
      const names = readdirSync(installed, { recursive: true });
      assert.ok(names.length <= 50, `${names.length} files`);
      assert.deepEqual(readdirSync(user.temporaryDirectory), []);
      assert.equal(readFileSync(join(installed, 'share/previous_input/1/req.txt'), 'utf8').split('\n')[0], 'numpy');
    });

    check('the scientific stack computes', async () => {
      const text = `import numpy, scipy.linalg, pandas
a = numpy.eye(3) * 2
print(json.dumps([float(scipy.linalg.det(a)), int(pandas.DataFrame({"x": [1, 2]}).x.sum())]))`;
      assert.deepEqual(await python(text), [8, 3]);
    });

    check('mpi4py runs under a launcher of the machine', async () => {
      const text = 'from mpi4py import MPI; c = MPI.COMM_WORLD; print(c.allreduce(1), c.size)';
      const words = ['mpirun.openmpi', '--oversubscribe', '-n', '2', join(installed, 'bin/python'), '-c', text];
      const { status, stdout, stderr } = await user.run(words);
      assert.equal(status, 0, stderr);
      assert.deepEqual(stdout.trim().split('\n'), ['2 2', '2 2']);
    });

    check('interpreter, scripts, processes and paths are those outside', async () => {
      assert.deepEqual(await python('import sys; print(json.dumps([sys.executable, sys.prefix]))'), [
        `${installed}/bin/python`,
        installed,
      ]);
      const told = JSON.parse(await user.runOk([join(installed, 'bin/telling'), 'a b'])) as { words: unknown };
      assert.deepEqual(told, { executable: `${installed}/bin/python`, prefix: installed, words: ['a b'] });
      const text = `import subprocess, sys, multiprocessing as m
if __name__ == "__main__":
    found = subprocess.check_output([sys.executable, "-c", "import numpy; print(numpy.__file__)"], text=True).strip()
    print(json.dumps([found, m.get_context("spawn").Pool(2).map(abs, [-1, -2])]))`;
      await writeFiles(user, user.home, { 'many.py': `import json\n${text}\n` });
      const [found, numbers] = JSON.parse(await user.runOk([join(installed, 'bin/python'), 'many.py'])) as unknown[];
      assert.match(String(found), new RegExp(`^${installed}/lib/python3[^/]*/site-packages/numpy/__init__.py$`));
      assert.deepEqual(numbers, [1, 2]);
      await writeFiles(user, user.home, {
        'own.py': `#!${installed}/bin/python\nimport numpy, sys\nprint(sys.argv)\n`,
      });
      assert.equal(await user.runOk(['./own.py', 'x']), "['./own.py', 'x']\n");
    });

    check('what is compiled here works, and what is editable is read where it stands', async () => {
      assert.equal(await python('import compiled; print(compiled.answer())'), 42);
      await writeFiles(user, join(user.home, 'edited'), { 'edited.py': 'value = 2\n' });
      assert.equal(await python('import edited; print(edited.value)'), 2);
    });

    check('a virtual environment on top has its own packages', async () => {
      await user.runOk([join(installed, 'bin/python'), '-m', 'venv', '--without-pip', 'on-top']);
      const text = 'import sys; print(sys.prefix)';
      assert.equal((await user.runOk(['on-top/bin/python', '-c', text])).trim(), join(user.home, 'on-top'));
    });

    check('an update adds and removes, and wrappers with it', async () => {
      await writeFiles(user, user.home, {
        'more.txt': 'six\n',
        'post.sh': 'pip uninstall --yes telling\necho "$env_root $CW_INSTALLATION_PATH" > "$env_root/where"\n',
      });
      const before = readlinkSync(join(installed, 'bin'));
      assert.ok(existsSync(join(installed, 'bin/telling')));
      const words = ['pip-containerize', 'update', '-r', 'more.txt', '--post-install', 'post.sh', installed];
      await user.runOk(words, { env: pipVariables, timeoutMs: 300_000 });
      assert.notEqual(readlinkSync(join(installed, 'bin')), before);
      assert.equal(existsSync(join(installed, 'bin/telling')), false);
      assert.equal(await python('import six, numpy; print(json.dumps(six.PY3))'), true);
      assert.equal(await python(`print(json.dumps(open("${installed}/where").read()))`), `${installed} ${installed}\n`);
      assert.deepEqual(
        readdirSync(installed, { withFileTypes: true })
          .filter(({ name }) => /^\.(?:bin|img)-/.test(name))
          .map((entry) =>
            entry.isSymbolicLink() ? `-> ${readlinkSync(join(installed, entry.name))}` : entry.name.slice(0, 5),
          )
          .toSorted(),
        ['-> bin', '.bin-', '.img-'],
        'what was there before is gone, but for the name of its wrappers',
      );
      assert.ok(existsSync(join(installed, 'share/previous_input/1/req.txt')));
      assert.ok(existsSync(join(installed, 'share/previous_input/2/more.txt')));
    });

    check('an update that fails leaves the old one working', async () => {
      await writeFiles(user, user.home, { 'bad.txt': 'no-such-package-as-this-one\n' });
      const before = readlinkSync(join(installed, 'bin'));
      const words = ['pip-containerize', 'update', '-r', 'bad.txt', installed];
      const { status, stdout, stderr } = await user.run(words, { env: pipVariables, timeoutMs: 300_000 });
      assert.equal(status, 1);
      assert.match(stderr, /No matching distribution found/);
      assert.match(stdout, /\[ ERROR \] Installation failed/);
      assert.equal(readlinkSync(join(installed, 'bin')), before);
      assert.equal(await python('import six; print(json.dumps(six.PY3))'), true);
    });
  },
);
