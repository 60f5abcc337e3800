// SPDX-License-Identifier: Apache-2.0
// Images with sigstore signatures in a real registry: what `slipway verify` and `slipway pull` accept.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { cosignPayload, makeKeyPair } from '../../src/image/trust/trust.test-helper.ts';
import type { Digest } from '../../src/model/index.ts';
import { createFace, makeLayout } from '../cli/face.ts';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { attachBundle, attachSignatures, digestIn, writeKey, writePolicy } from './signed.ts';

suite('sigstore signatures', { skip: needs({ commands: registryCommands }) }, () => {
  const [good, other] = [makeKeyPair(), makeKeyPair()];
  const [key, otherKey] = [writeKey(good), writeKey(other)];
  let registry: Registry;
  let layout = '';
  before(async () => {
    registry = await startRegistry();
    layout = await makeLayout([{ 'bin/tool': 'a program' }]);
  });
  const push = async (
    name: string,
  ): Promise<{ readonly repository: string; readonly image: string; readonly digest: Digest }> => {
    const repository = `${registry.address}/${name}`;
    await pushImage({ layout, tag: '1' }, `${repository}:1`);
    return { repository, image: `${repository}:1`, digest: await digestIn(`${repository}:1`) };
  };
  const sigstore = (path: string, identity = 'matchRepository'): readonly object[] => [
    { type: 'sigstoreSigned', keyPath: path, signedIdentity: { type: identity } },
  ];

  test('a signature by the key passes, one by another does not; the record keeps by whom', async () => {
    const { repository, image, digest } = await push('team/signed');
    await attachSignatures(repository, digest, [{ key: other }, { key: good }]);
    const face = createFace();
    const verified = await face.run('verify', '--key', key, image);
    assert.equal(verified.stdout, `${image}@${digest}\n`, verified.stderr);
    assert.match(verified.stderr, /signed by sha256:[0-9a-f]{64} \(cosign\) as /);

    const refused = await face.run('pull', '-q', '--verify-key', writeKey(makeKeyPair('ed25519')), image);
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /has no signature that the key accepts \(one is not by an accepted key\)/);
    assert.ok(!existsSync(join(face.store, 'images')), 'nothing is stored of what was refused');

    const pulled = await face.run('pull', '-q', '--verify-key', key, image);
    assert.equal(pulled.status, 0, pulled.stderr);
    const inspected = JSON.parse((await face.run('inspect', '--json', image)).stdout) as {
      readonly verification: { readonly by: string; readonly signatures: readonly { readonly digest: string }[] };
    };
    assert.equal(inspected.verification.by, 'key');
    assert.equal(inspected.verification.signatures[0]?.digest, digest);
  });

  test('openssl finds the signature good that was made here', { skip: needs({ commands: ['openssl'] }) }, async () => {
    const directory = temporaryDirectory();
    const payload = cosignPayload('r.test/app', `sha256:${'0'.repeat(64)}` as Digest);
    const [message, signature] = ['payload', 'signature'].map((name) => join(directory, name));
    writeFileSync(message ?? '', payload);
    writeFileSync(signature ?? '', good.sign(payload));
    const words = ['dgst', '-sha256', '-verify', key, '-signature', signature ?? '', message ?? ''];
    assert.match(await runOk(['openssl', ...words]), /Verified OK/);
  });

  test('an image that is stored unverified is recorded as verified when it is pulled with a key', async () => {
    const { repository, image, digest } = await push('team/later');
    const face = createFace();
    assert.equal((await face.run('pull', '-q', image)).status, 0);
    assert.doesNotMatch((await face.run('inspect', image)).stdout, /signed by/);
    await attachSignatures(repository, digest, [{ key: good }]);
    assert.equal((await face.run('pull', '-q', '--verify-key', key, image)).status, 0);
    assert.match((await face.run('inspect', image)).stdout, /signed by +sha256:/);
  });

  test('signatures of another image, for another name, or of other bytes are refused', async () => {
    const { repository, image, digest } = await push('team/wrong');
    const foreign = `sha256:${'0'.repeat(64)}` as Digest;
    const payload = cosignPayload(repository, digest);
    const face = createFace();
    const reasonFor = async (signature: Parameters<typeof attachSignatures>[2][number]): Promise<string> => {
      await attachSignatures(repository, digest, [signature]);
      const { status, stderr } = await face.run('verify', '-k', key, image);
      assert.equal(status, 125);
      return stderr;
    };
    assert.match(
      await reasonFor({ key: good, payload: cosignPayload(repository, foreign) }),
      /of another image, sha256:0000/,
    );
    assert.match(
      await reasonFor({ key: good, payload: cosignPayload(`${registry.address}/team/x`, digest) }),
      /one is for .*\/team\/x/,
    );
    assert.match(await reasonFor({ key: good, payload: Buffer.from('{}') }), /does not say what it signs/);
    assert.match(await reasonFor({ key: good, signature: good.sign(Buffer.from('other')) }), /not by an accepted key/);
    assert.match(await reasonFor({ key: good, payload: Buffer.concat([payload, payload]) }), /does not say/);
    const { image: unsigned } = await push('team/unsigned');
    assert.match((await face.run('verify', '-k', key, unsigned)).stderr, /none was found/);
  });

  test('a signature of the index counts for the image of each platform', async () => {
    const { repository, image } = await push('team/index');
    const list = await run(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${image}`]);
    const member = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: await digestIn(image) };
    const { pushManifest } = await import('../support/push-artifact.ts');
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const manifests = [{ ...member, size: list.stdout.length, platform: { os: 'linux', architecture: 'amd64' } }];
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
    const { digest } = await pushManifest(repository, { mediaType, bytes }, '2');
    await attachSignatures(repository, digest as Digest, [{ key: good }]);
    const face = createFace();
    const { status, stdout, stderr } = await face.run('verify', '--json', '-k', key, `${repository}:2`);
    assert.equal(status, 0, stderr);
    const { signatures } = JSON.parse(stdout) as { readonly signatures: readonly { readonly digest: string }[] };
    assert.equal(signatures[0]?.digest, digest);
    assert.equal((await face.run('verify', '-k', key, image)).status, 125);
  });

  test('a bundle that refers to the image passes by key; a policy wants a name, which it has not', async () => {
    const { repository, image, digest } = await push('team/bundle');
    await attachBundle(repository, digest, good);
    const face = createFace();
    const verified = await face.run('verify', '-k', key, image);
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stderr, /\(sigstore-bundle\)/);
    assert.equal((await face.run('verify', '-k', otherKey, image)).status, 125);
    const policy = writePolicy({ [registry.address]: sigstore(key) });
    assert.match((await face.run('verify', '--policy', policy, image)).stderr, /names no repository/);
  });

  test('a policy decides by scope', async () => {
    const { repository, image, digest } = await push('site/app');
    await attachSignatures(repository, digest, [{ key: good }]);
    const { image: unsigned } = await push('site/unsigned');
    const { image: open } = await push('open/app');
    const { image: elsewhere } = await push('elsewhere/app');
    const face = createFace();
    const accept = [{ type: 'insecureAcceptAnything' }];
    const judge = async (policy: string, name: string): Promise<boolean> =>
      (await face.run('pull', '-q', '--policy', policy, name)).status === 0;
    const bySite = writePolicy({ [`${registry.address}/site`]: sigstore(key), [`${registry.address}/open`]: accept });
    assert.deepEqual(
      [
        await judge(bySite, image),
        await judge(bySite, unsigned),
        await judge(bySite, open),
        await judge(bySite, elsewhere),
      ],
      [true, false, true, false],
    );
    // cosign names no tag, so that an exact match never passes.
    assert.equal(await judge(writePolicy({ '': sigstore(key, 'matchExact') }), image), false);
    assert.equal(await judge(writePolicy({ '': sigstore(otherKey) }), image), false);
    assert.equal(await judge(writePolicy({ '': [...sigstore(key), { type: 'reject' }] }), image), false);
    assert.equal(readdirSync(join(face.store, 'tags')).length, 2);
  });

  test('without a key and a policy that asks for signatures nothing is verified, and that is no success', async () => {
    const { image } = await push('team/plain');
    const face = createFace();
    const policy = writePolicy({ '': [{ type: 'insecureAcceptAnything' }] });
    const { status, stderr } = await face.run('verify', '--policy', policy, image);
    assert.equal(status, 125);
    assert.match(stderr, /no key was given, and no policy asks for a signature/);
  });
});
