// SPDX-License-Identifier: Apache-2.0
// The hooks for MPI, the C library and AMD's processors as runtimes call them: with the files that `slipway inject` writes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { makeBundle, makeRoot } from './containers.ts';

const skip = needs({ commands: ['mpichversion', 'runc', 'crun', 'umoci', 'mmdebstrap'], root: true });

describe('hooks that replace libraries', { skip }, () => {
  let programs: string;
  let root: string;
  before(async () => {
    programs = join(await slipwayPrefix(), 'bin');
    root = await makeRoot('bullseye-mpich');
  });
  const inject = async (...words: readonly string[]): Promise<object> => {
    const text = await runOk([join(programs, 'slipway'), 'inject', ...words], {
      env: { PATH: '/usr/bin:/bin', HOME: '/root' },
    });
    return (JSON.parse(text) as { readonly hook: object }).hook;
  };

  it('give a container of runc and crun the host’s MPI with its C library', async () => {
    const host = /^MPICH Version:\s*(\S+)/m.exec(await runOk(['mpichversion']))?.[1] ?? assert.fail('no version');
    const plain = await makeBundle({ root, args: ['ranks'], hooks: {} });
    assert.match((await plain.run('runc')).stdout, /MPICH Version:\s*3\.4/);
    const hooks = [await inject('mpi', '--mpi=mpich'), await inject('glibc')];
    const none = { path: join(programs, 'amdgpu_hook'), args: ['amdgpu_hook'], env: [] };
    const bundle = await makeBundle({
      root,
      args: ['ranks'],
      hooks: { createContainer: [...hooks, none] },
      // Nothing of the image's variables may reach the hook.
      process: {
        env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'MPI_LIBS=/nowhere', 'NODE_OPTIONS=--require=/nowhere.js'],
      },
    });
    for (const runtime of ['runc', 'crun'] as const) {
      const { status, stdout, stderr } = await bundle.run(runtime);
      assert.equal(status, 0, `${runtime}: ${stderr}`);
      assert.match(stdout, new RegExp(`MPICH Version:\\s*${host.replaceAll('.', '\\.')}`), runtime);
    }
  });

  it('end a container with the reason where the libraries do not fit', async () => {
    const { stderr, status } = await (
      await makeBundle({
        root: await makeRoot(),
        args: ['true'],
        hooks: { createContainer: [await inject('mpi', '--mpi=mpich')] },
      })
    ).run('runc');
    assert.equal(status, 1);
    assert.match(stderr, /prepare the hook mpi_hook: the image has none of the host's MPI libraries/);
  });
});
