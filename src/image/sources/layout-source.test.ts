// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { writeLayout } from '../../../test/support/oci-layout.ts';
import { makeMember, writeArchive } from '../../formats/tar/archive.test-helper.ts';
import { type PullEvent, SlipwayError } from '../../model/index.ts';
import type { ResolvedImage } from '../types.ts';
import { openOciLayout } from './layout-source.ts';
import { directoryMembers } from './members.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-layout-'));
after(() => rmSync(base, { recursive: true, force: true }));
const { signal } = new AbortController();

/** A layer that is told apart by its one file. */
const layer = (name: string): Buffer => writeArchive([makeMember({ path: name, content: Buffer.from(name) })]);

async function resolve(
  layout: string,
  choice: { readonly name?: string; readonly architecture?: string } = {},
): Promise<{ readonly image: ResolvedImage; readonly events: readonly PullEvent[] }> {
  const events: PullEvent[] = [];
  const source = await openOciLayout({
    members: directoryMembers(layout),
    ...(choice.name === undefined ? {} : { name: choice.name }),
    platform: { os: 'linux', architecture: choice.architecture ?? 'amd64' },
    emit: (event) => events.push(event),
    signal,
  });
  return { image: await source.resolve(signal), events };
}

describe('an OCI layout', () => {
  const several = join(base, 'several');
  writeLayout(several, 'both', [
    { architecture: 'amd64', layers: [layer('x86')] },
    { architecture: 'arm64', variant: 'v8', layers: [layer('arm')] },
  ]);

  it('gives the image for the platform that is asked for, and the index that led to it', async () => {
    const [x86, arm] = [await resolve(several), await resolve(several, { architecture: 'arm64' })];
    assert.equal(x86.image.config.platform.architecture, 'amd64');
    assert.equal(arm.image.config.platform.architecture, 'arm64');
    assert.notEqual(x86.image.digest, arm.image.digest);
    assert.equal(x86.image.indexDigest, arm.image.indexDigest);
    await assert.rejects(resolve(several, { architecture: 'riscv64' }), (error) => {
      assert.ok(error instanceof SlipwayError && error.code === 'platform-missing');
      assert.match(error.message, /there is linux\/amd64, linux\/arm64\/v8/);
      return true;
    });
  });

  it('warns where the only image is for another machine', async () => {
    const single = join(base, 'single');
    writeLayout(single, 'one', [{ architecture: 'arm64', layers: [layer('arm')] }]);
    const { events } = await resolve(single);
    assert.deepEqual(
      events.map((event) => (event.type === 'warning' ? event.code : event.type)),
      ['platform-differs'],
    );
  });

  it('finds an image by its tag, its full name, the end of that, and its digest', async () => {
    const named = join(base, 'named');
    writeLayout(named, '1.0', [{ layers: [layer('one')] }]);
    const index = JSON.parse(readFileSync(join(named, 'index.json'), 'utf8')) as {
      manifests: Record<string, unknown>[];
    };
    const [first] = index.manifests;
    const other = { ...first, annotations: { 'org.opencontainers.image.ref.name': 'docker.io/library/tool:2.0' } };
    writeFileSync(join(named, 'index.json'), JSON.stringify({ ...index, manifests: [first, other] }));
    for (const name of ['1.0', '2.0', 'docker.io/library/tool:2.0', 'tool:2.0', String(first?.['digest'])]) {
      assert.equal((await resolve(named, { name })).image.digest, first?.['digest'], name);
    }
    for (const name of [undefined, '3.0', 'tool', 'ool:2.0']) {
      await assert.rejects(resolve(named, name === undefined ? {} : { name }), (error) => {
        assert.ok(error instanceof SlipwayError && error.code === 'layout-image-missing', String(name));
        assert.equal(error.hint, 'there are: 1.0, docker.io/library/tool:2.0');
        return true;
      });
    }
  });

  it('is refused where an index leads back to itself', async () => {
    const round = join(base, 'round');
    writeLayout(round, 'x', [{ layers: [layer('one')] }]);
    // No document can hold its own digest: what claims to is not believed.
    const index = JSON.parse(readFileSync(join(round, 'index.json'), 'utf8')) as {
      manifests: Record<string, unknown>[];
    };
    const [entry] = index.manifests;
    const digest = `sha256:${'ab'.repeat(32)}`;
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, digest, size: 300 }] }).padEnd(300),
    );
    writeFileSync(join(round, 'blobs/sha256', 'ab'.repeat(32)), bytes);
    const type = 'application/vnd.oci.image.index.v1+json';
    const top = { ...entry, mediaType: type, digest, size: bytes.length };
    writeFileSync(join(round, 'index.json'), JSON.stringify({ ...index, manifests: [top] }));
    await assert.rejects(resolve(round), { code: 'digest-mismatch' });
  });
});
