// SPDX-License-Identifier: Apache-2.0
// What `slipway convert` writes, as skopeo and umoci see it, and what skopeo writes, as it is read.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { type Forms, isLeftOut, makeForms } from './forms.ts';
import { listTree } from './listing.ts';

suite('slipway convert beside other tools', { skip: needs({ commands: ['umoci', 'skopeo', 'setfattr'] }) }, () => {
  let forms: Forms;
  const convert = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await forms.slipway('convert', '-q', '--setuid', ...words);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  before(async () => {
    forms = await makeForms();
    await convert('./tree', 'oci:a-layout:1.0');
  });

  test(
    'an OCI layout is what umoci unpacks',
    { skip: isRoot() ? false : 'root: umoci keeps owners as root only' },
    async () => {
      const bundle = forms.path('bundle');
      await runOk(['umoci', 'unpack', '--image', `${forms.path('a-layout')}:1.0`, bundle]);
      // umoci makes the times of links and of directories that it goes back to its own.
      assert.deepEqual(
        withoutTimes(listTree(join(bundle, 'rootfs'), { leavesOut: isLeftOut })),
        withoutTimes(forms.is),
      );
    },
  );

  test('every form of an image is what skopeo copies', async () => {
    for (const form of ['oci-archive:a-oci.tar:1.0', 'docker-archive:a-docker.tar:example/a:1.0', 'dir:a-dir']) {
      await convert('./tree', form);
    }
    for (const source of [
      `oci:${forms.path('a-layout')}:1.0`,
      `oci-archive:${forms.path('a-oci.tar')}:1.0`,
      `docker-archive:${forms.path('a-docker.tar')}:docker.io/example/a:1.0`,
      `dir:${forms.path('a-dir')}`,
    ]) {
      const copy = forms.path(`skopeo-${source.split(':')[0]}`);
      await runOk(['skopeo', '--insecure-policy', 'copy', '--quiet', source, `oci:${copy}:x`]);
      await convert(`oci:${copy}:x`, `${copy}-tree`);
      assert.deepEqual(listTree(`${copy}-tree`), forms.is, source);
    }
  });

  test('what skopeo writes is read, in every form', async () => {
    const layout = `oci:${forms.path('a-layout')}:1.0`;
    for (const [transport, name] of [
      ['oci-archive', ''],
      ['docker-archive', ':docker.io/example/a:1.0'],
      ['dir', ''],
    ] as const) {
      const path = forms.path(`by-skopeo-${transport}`);
      await runOk(['skopeo', '--insecure-policy', 'copy', '--quiet', layout, `${transport}:${path}${name}`]);
      for (const source of [`${transport}:${path}`, path]) {
        const tree = forms.path(`tree-${transport}-${source.length}`);
        await convert(source, tree);
        assert.deepEqual(listTree(tree), forms.is, source);
      }
    }
    const compressed = forms.path('saved.tar.gz');
    await runOk(['sh', '-c', `gzip -c ${forms.path('by-skopeo-docker-archive')} > ${compressed}`]);
    await convert(compressed, forms.path('tree-saved'));
    assert.deepEqual(listTree(forms.path('tree-saved')), forms.is);
  });
});

function withoutTimes(listing: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(listing).map(([path, facts]) => [path, facts.replace(/ \d+s/, '')]));
}
