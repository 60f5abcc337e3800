// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { containerGroup, containerPasswd } from './accounts.ts';

const ann = { name: 'ann', uid: 1000, gid: 100, fullName: 'Ann', home: '/home/ann', shell: '/bin/sh' };
const image =
  'root:x:0:0:root:/root:/bin/bash\nann:x:5:5::/:/bin/sh\nmail:x:8:8::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n';

suite('a container’s accounts', () => {
  test('have the person first, then the image’s own, without another of that name or id', () => {
    assert.deepEqual(containerPasswd(image, ann).split('\n'), [
      'ann:x:1000:100:Ann:/home/ann:/bin/sh',
      'root:x:0:0:root:/root:/bin/bash',
      'mail:x:8:8::/:/bin/sh',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      '',
    ]);
    assert.deepEqual(containerGroup('root:x:0:\nusers:x:9:\nother:x:100:\n', { name: 'users', gid: 100 }).split('\n'), [
      'users:x:100:',
      'root:x:0:',
      'nogroup:x:65534:',
      '',
    ]);
  });

  test('keep the image’s own name for 65534', () => {
    assert.doesNotMatch(containerPasswd('nix:x:65534:65534::/:/bin/sh\n', ann), /nobody/);
    assert.doesNotMatch(containerPasswd('', { ...ann, name: 'nobody', uid: 65534 }), /nobody:[^]*nobody:/);
  });

  test('are well-formed whatever the image and the name service say', () => {
    const line = fc.string({ unit: fc.constantFrom(':', 'x', '0', '\n', '\r', ' ', '#', 'é'), maxLength: 30 });
    fc.assert(
      fc.property(fc.array(line), fc.string(), fc.string(), (lines, fullName, home) => {
        const passwd = containerPasswd(lines.join('\n'), { ...ann, fullName, home });
        assert.ok(passwd.endsWith('\n'));
        const entries = passwd
          .slice(0, -1)
          .split('\n')
          .map((text) => text.split(':'));
        for (const fields of entries) assert.equal(fields.length, 7);
        assert.deepEqual([entries[0]?.[0], entries[0]?.[2], entries[0]?.[3]], ['ann', '1000', '100']);
        assert.equal(entries.filter(([name, , uid]) => name === 'ann' || uid === '1000').length, 1);
      }),
    );
  });
});
