// SPDX-License-Identifier: Apache-2.0
// What a site adds to containers: file systems, variables, modules, udiImage, hooks.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, siteCommands, type TestSite } from './site.ts';

const skip = needs({ commands: siteCommands, root: true, userNamespaces: true, fuse: true });

describe("a site's containers", { skip }, () => {
  let user: TestUser;
  let site: TestSite;

  const run = async (...words: readonly string[]): Promise<CommandResult> =>
    await user.run(['shifter', '--image=id:img', ...words], { env: site.env });
  const said = async (...words: readonly string[]): Promise<string> => {
    const result = await run(...words);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout.trimEnd();
  };

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    await site.addImage('img', { real: 'busybox' }, ['ENV: PATH=/bin', 'ENV: X=image']);
    site.write('mpich/lib64/libmpi.so.12', 'host library\n');
    site.write(
      'mpich/bin/init.sh',
      'env > /tmp/hook-$$ 2>/dev/null; rm -f /tmp/hook-$$; [ -z "$X" ] && echo checked >&2\n',
      0o755,
    );
    site.write('mpich/bin/fail.sh', 'echo unfit >&2; exit 3\n', 0o755);
    site.write('udi/bin/tool', '#!/bin/sh\necho tool\n', 0o755);
    site.write('cray/spool/state', 'spool\n');
  });

  it('have its file systems, also deep in /var, read-only where it says so', async () => {
    site.configure(
      `siteFs=${site.directory}/cray/spool:/var/opt/cray/spool:rec:slave;\\`,
      `       ${site.directory}/mpich:/global/mpich:ro;${site.directory}/cray:/var/spool/alps`,
    );
    assert.equal(
      await said('cat', '/var/opt/cray/spool/state', '/global/mpich/lib64/libmpi.so.12', '/var/spool/alps/spool/state'),
      'spool\nhost library\nspool',
    );
    assert.match(await said('grep', '/global/mpich', '/proc/mounts'), / ro,nosuid,nodev/);
    site.configure('siteFs=/no/such/place:/global/x');
    const result = await run('true');
    assert.equal(result.status, 1);
    assert.match(result.stderr, /show \/no\/such\/place \(siteFs\)/);
  });

  it('have its variables, after the image’s and the user’s', async () => {
    site.configure(
      'siteEnv=X=site Y=2',
      'siteEnvAppend=PATH=/opt/udiImage/bin',
      'siteEnvPrepend=PATH=/first NEW=n',
      'siteEnvUnset=HOME',
    );
    assert.equal(
      await said('-e', 'X=user', 'sh', '-c', 'echo $X $Y $PATH $NEW ${HOME-none}'),
      'site 2 /first:/bin:/opt/udiImage/bin n none',
    );
  });

  it('have udiImage, and modules with their files, variables and file systems, in the order asked for', async () => {
    site.configure(
      `optUdiImage=${site.directory}/udi`,
      `module_mpich_copyPath=${site.directory}/mpich`,
      'module_mpich_siteEnvPrepend=LD_LIBRARY_PATH=/opt/udiImage/modules/mpich/lib64',
      'module_mpich_siteEnv=LOADED=mpich X=mpich',
      'module_other_siteEnv=LOADED=other',
      `module_other_siteFs=${site.directory}/cray:/cray`,
      'module_off_enabled=0',
      'module_bad_conflict=mpich',
      'defaultModules=mpich',
    );
    assert.equal(await said('/opt/udiImage/bin/tool'), 'tool');
    assert.equal(
      await said('sh', '-c', 'cat $LD_LIBRARY_PATH/libmpi.so.12; echo $X $LOADED; cat /var/shifterConfig.json'),
      `host library\nmpich mpich\n{"identifier":"img","user":"${user.name}","volMap":"","modules":"mpich,"}`,
    );
    assert.equal(await said('-m', 'other,mpich', 'sh', '-c', 'echo $LOADED; cat /cray/spool/state'), 'mpich\nspool');
    assert.equal(await said('--module=mpich,other', 'sh', '-c', 'echo $LOADED'), 'other');
    assert.equal(await said('--module=none', 'sh', '-c', 'echo ${LOADED-none}; ls /opt/udiImage/modules'), 'none');
    for (const [names, reason] of [
      ['off', /disabled/],
      ['nosuch', /none of this name/],
      ['mpich,bad', /exclude one another/],
    ] as const) {
      const result = await run(`--module=${names}`, 'true');
      assert.equal(result.status, 1);
      assert.match(result.stderr, reason);
    }
  });

  it('run a module’s userhook in the container before the program, without variables', async () => {
    site.configure(
      `module_mpich_copyPath=${site.directory}/mpich`,
      'module_mpich_userhook=/opt/udiImage/modules/mpich/bin/init.sh',
    );
    const result = await run('-m', 'mpich', 'sh', '-c', 'echo "$X $0 $1"', 'zero', 'one two');
    assert.deepEqual([result.status, result.stdout, result.stderr], [0, 'image zero one two\n', 'checked\n']);
    assert.equal((await run('-m', 'mpich', 'nosuch')).status, 127);
    site.configure(
      `module_mpich_copyPath=${site.directory}/mpich`,
      'module_mpich_userhook=/opt/udiImage/modules/mpich/bin/fail.sh',
    );
    const failed = await run('-m', 'mpich', 'echo', 'started');
    assert.deepEqual([failed.status, failed.stdout], [1, '']);
    assert.match(failed.stderr, /^unfit\nshifter: the userhook of module mpich failed/);
  });

  it('have what its hooks make, which run as the user, and never what only root may run', async () => {
    const hook = site.write('pre.sh', 'mkdir -p global/deep; id -u > global/who; env > global/env; echo said\n', 0o755);
    const post = site.write('post.sh', 'ln -s /global/deep short\n', 0o755);
    site.configure(`sitePreMountHook=${hook}`, `sitePostMountHook=${post}`, 'module_r_roothook=/bin/true');
    const result = await run('sh', '-c', 'cat /global/who; readlink /short; cat /global/env');
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, new RegExp(`^${user.uid}\n/global/deep\n`));
    assert.doesNotMatch(result.stdout, /HOME=|USER=/);
    const refused = await run('-m', 'r', 'true');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /only root can run its roothook/);
    site.write('pre.sh', 'exit 4\n', 0o755);
    const failed = await run('true');
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /sitePreMountHook .*: it ended with status 4/);
  });
});
