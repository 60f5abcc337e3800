// SPDX-License-Identifier: Apache-2.0
// Python projects made for the tests, and the index that pip is configured with.
import type { TestUser } from '../support/user.ts';
import { writeFiles } from './installations.ts';

/** How this machine's pip reaches its index: its own variables, which a test user's clean environment lacks. */
export const pipVariables: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && /^(?:PIP_|SSL_CERT|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)/.test(name)
      ? [[name, value] as const]
      : [],
  ),
);

/** Whether the index that pip is configured with gives real wheels; else the reason to skip. */
export async function indexReason(user: TestUser): Promise<string | false> {
  const words = ['python3', '-m', 'venv', 'probe'];
  await user.runOk(words);
  const asked = await user.run(['probe/bin/pip', 'download', '--quiet', '--no-deps', '--dest', 'probe', 'six'], {
    env: pipVariables,
  });
  return asked.status === 0 ? false : 'machine: the index that pip is configured with gives no wheels';
}

/** A project with a console script that tells of the interpreter that runs it. */
export async function makeScriptProject(user: TestUser, directory: string): Promise<void> {
  await writeFiles(user, directory, {
    'pyproject.toml': `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "telling"
version = "1.0"
[project.scripts]
telling = "telling:main"
[tool.setuptools]
py-modules = ["telling"]
`,
    'telling.py': `import json, sys
def main():
    print(json.dumps({"executable": sys.executable, "prefix": sys.prefix, "words": sys.argv[1:]}))
`,
  });
}

/** A project with a module in C. */
export async function makeCompiledProject(user: TestUser, directory: string): Promise<void> {
  await writeFiles(user, directory, {
    'setup.py': `from setuptools import Extension, setup
setup(name="compiled", version="1.0", ext_modules=[Extension("compiled", ["compiled.c"])])
`,
    'compiled.c': `#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled", "", -1, methods};
PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&module); }
`,
  });
}
