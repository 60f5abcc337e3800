// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as assertProperty, property } from 'fast-check';
import { anyText } from './any-text.test-helper.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';
import { parseSourceReference, type SourceReference } from './source-reference.ts';
import { storeNameOf } from './store-name.ts';

function nameOf(text: string): string {
  const source = parseSourceReference(text);
  if (source.transport === 'docker' || source.transport === 'name') throw new Error(`${text} is a registry's`);
  return formatImageReference(storeNameOf(source));
}

describe('storeNameOf', () => {
  for (const [source, name] of [
    ['oci:/images/python:3.11', 'localhost/python:3.11'],
    ['oci:/images/python', 'localhost/python:latest'],
    ['oci:/images/layout:debian:12', 'localhost/debian:12'],
    ['oci-archive:/x/My Image_.oci.tar', 'localhost/my-image:latest'],
    ['docker-archive:/x/saved.tar.gz:quay.io/sci/tool:2', 'quay.io/sci/tool:2'],
    ['docker-archive:/x/saved.tar.gz:@0', 'localhost/saved:latest'],
    ['docker-daemon:debian:12', 'localhost/debian:12'],
    ['containers-storage:localhost/mine', 'localhost/mine:latest'],
    ['sif:/apps/GROMACS-2024.sif', 'localhost/gromacs-2024:latest'],
    ['/scratch/rootfs/', 'localhost/rootfs:latest'],
    ['/x/....sqfs', 'localhost/image:latest'],
  ] as const) {
    it(`${source} becomes ${name}`, () => assert.equal(nameOf(source), name));
  }

  it('is a reference for every path', () => {
    assertProperty(
      property(anyText(), (text) => {
        const source: SourceReference = { transport: 'directory', path: `/${text}` };
        const reference = storeNameOf(source);
        assert.equal(reference.registry, 'localhost');
        assert.deepEqual(parseImageReference(formatImageReference(reference)), reference);
      }),
    );
  });
});
