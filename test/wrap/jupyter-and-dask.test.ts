// SPDX-License-Identifier: Apache-2.0
// What starts further interpreters by path: a Jupyter kernel by its spec, dask's workers; installed by uv, which is itself
// got from the index that pip is configured with.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { wrapNeeds, writeFiles } from './installations.ts';
import { indexReason, pipVariables } from './python-projects.ts';

/** Asks a kernel, started by its spec by a client of Jupyter, for its interpreter. */
const askKernel = `import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name=sys.argv[1], startup_timeout=300)
def show(message):
    if message["msg_type"] == "stream":
        print(message["content"]["text"], end="")
client.execute_interactive("import dask, sys; print(sys.executable, dask.__file__)", output_hook=show, timeout=300)
client.stop_channels()
manager.shutdown_kernel(now=True)
`;

/** Two workers, which dask starts as processes by sys.executable. */
const useWorkers = `import os, sys
from dask.distributed import Client, LocalCluster
def tell(number):
    return number * number, sys.executable, os.path.exists(os.path.join(sys.prefix, "pyvenv.cfg"))
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, death_timeout=300) as cluster, Client(cluster) as client:
        client.wait_for_workers(2, timeout=300)
        told = client.gather(client.map(tell, range(5), pure=False))
        print(sum(number for number, *_ in told), *sorted({str(rest) for _, *rest in told}))
`;

/** A loaded machine takes longer than dask expects. */
const dasksPatience = {
  DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT: '300s',
  DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP: '300s',
};

await suite('wrapped Jupyter and dask', { skip: needs(wrapNeeds) }, () => {
  let user: TestUser;
  let reason: string | false;
  let installed: string;
  before(async () => {
    user = await acquireTestUser();
    reason = await indexReason(user);
    if (reason !== false) return;
    installed = join(user.home, 'installed');
    await writeFiles(user, user.home, {
      'req.txt': 'distributed\nipykernel\njupyter_client\n',
      'ask-kernel.py': askKernel,
      'use-workers.py': useWorkers,
    });
    await user.runOk(['pip-containerize', 'new', '--uv', '--prefix', installed, 'req.txt'], {
      env: { ...pipVariables, UV_CACHE_DIR: join(user.home, 'uv-cache') },
      timeoutMs: 300_000,
    });
  });
  const check = (name: string, body: () => Promise<void>): void => {
    test(name, async (context) => {
      if (reason !== false) context.skip(reason);
      else await body();
    });
  };

  check('a kernel starts by the spec that is written for it', async () => {
    assert.equal((await user.run(['slipway', 'wrap', 'jupyter', installed, '--name', 'Own'])).stderr, '');
    const python = join(installed, 'bin/python');
    const listed = await user.runOk([join(installed, 'bin/jupyter'), 'kernelspec', 'list', '--json']);
    const { kernelspecs } = JSON.parse(listed) as { readonly kernelspecs: Readonly<Record<string, unknown>> };
    assert.ok('own' in kernelspecs, listed);
    const said = await user.runOk([python, 'ask-kernel.py', 'own'], { timeoutMs: 600_000 });
    assert.match(said, new RegExp(`^${python} ${installed}/lib/python3[^/]*/site-packages/dask/__init__.py\n$`));
  });

  check('workers of dask are wrapped programs', async () => {
    const python = join(installed, 'bin/python');
    const said = await user.runOk([python, 'use-workers.py'], { timeoutMs: 600_000, env: dasksPatience });
    assert.equal(said, `30 ['${python}', True]\n`);
  });

  check('uv installs more, and the record says what', async () => {
    await writeFiles(user, user.home, { 'more.txt': 'six==1.16.0\n' });
    await user.runOk(['pip-containerize', 'update', '-r', 'more.txt', installed], {
      env: { ...pipVariables, UV_CACHE_DIR: join(user.home, 'uv-cache') },
      timeoutMs: 300_000,
    });
    const program = [join(installed, 'bin/python'), '-c', 'import distributed, six; print(six.__version__)'];
    assert.equal(await user.runOk(program), '1.16.0\n');
    assert.match(await user.runOk(['slipway', 'wrap', 'show', installed]), /\bsix 1\.16\.0\b/);
  });
});
