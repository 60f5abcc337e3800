// SPDX-License-Identifier: Apache-2.0
// Simple signing: images signed by skopeo with GnuPG, the signatures in a directory and on a web server.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openSignedMessage } from '../../src/image/trust/open-pgp.ts';
import { parseSignedClaim } from '../../src/image/trust/simple-signing.ts';
import { createFace, type Face, makeLayout } from '../cli/face.ts';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { digestIn, writePolicy, writeRegistriesD } from './signed.ts';

suite('simple signing', { skip: needs({ commands: [...registryCommands, 'gpg', 'gpgv'] }) }, () => {
  // A short path: the agent's socket is below it.
  const gnupg = mkdtempSync(join(tmpdir(), 'gpg-'));
  const environment = { PATH: process.env['PATH'] ?? '', HOME: gnupg, GNUPGHOME: gnupg };
  const gpg = async (...words: readonly string[]): Promise<string> =>
    await runOk(['gpg', '--batch', '--quiet', '--passphrase', '', '--pinentry-mode', 'loopback', ...words], {
      env: environment,
    });
  let registry: Registry;
  let sigs = '';
  let image = '';
  const keys = { good: '', armoured: '', other: '' };

  before(async () => {
    registry = await startRegistry();
    sigs = temporaryDirectory();
    image = `${registry.address}/team/app:1`;
    for (const name of ['good', 'other'] as const) {
      await gpg('--quick-gen-key', `${name}@example.test`, 'ed25519', 'sign', 'never');
      keys[name] = join(temporaryDirectory(), `${name}.gpg`);
      await gpg('--output', keys[name], '--export', `${name}@example.test`);
    }
    keys.armoured = join(temporaryDirectory(), 'good.asc');
    await gpg('--armor', '--output', keys.armoured, '--export', 'good@example.test');
    const layout = await makeLayout([{ 'bin/tool': 'a program' }]);
    await pushImage({ layout, tag: '1' }, `${registry.address}/team/unsigned:1`);
    await runOk(
      [
        'skopeo',
        '--insecure-policy',
        '--registries.d',
        writeRegistriesD(temporaryDirectory(), `default-docker:\n  lookaside-staging: file://${sigs}\n`),
        'copy',
        '--quiet',
        '--dest-tls-verify=false',
        '--sign-by=good@example.test',
        `oci:${layout}:1`,
        `docker://${image}`,
      ],
      { env: environment },
    );
  });
  after(async () => {
    await runOk(['gpgconf', '--kill', 'all'], { env: environment });
    rmSync(gnupg, { recursive: true, force: true });
  });

  const faceWith = (lookaside: string): Face => {
    const face = createFace();
    writeRegistriesD(
      join(face.home, '.config/containers/registries.d'),
      `docker:\n  ${registry.address}:\n    lookaside: ${lookaside}\n`,
    );
    return face;
  };
  const signedBy = (key: string, more: object = {}): string =>
    writePolicy({ [registry.address]: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: key, ...more }] });

  test('what skopeo has signed passes with the key, binary or armoured, and with no other', async () => {
    const face = faceWith(`file://${sigs}`);
    for (const key of [keys.good, keys.armoured]) {
      const { status, stderr } = await face.run('verify', '--policy', signedBy(key), image);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /signed by [0-9A-F]{40} \(simple-signing\) as 127\.0\.0\.1:\d+\/team\/app:1/);
    }
    const refused = await face.run('pull', '-q', '--policy', signedBy(keys.other), image);
    assert.match(refused.stderr, /one is not by an accepted key/);
    const pulled = await face.run('pull', '-q', '--policy', signedBy(keys.good), image);
    assert.equal(pulled.status, 0, pulled.stderr);
    assert.match((await face.run('inspect', image)).stdout, /signed by +[0-9A-F]{40} \(simple-signing\)/);
  });

  test('an image without a signature, or with one for another name, is refused', async () => {
    const face = faceWith(`file://${sigs}`);
    const unsigned = await face.run('verify', '--policy', signedBy(keys.good), `${registry.address}/team/unsigned:1`);
    assert.match(unsigned.stderr, /none was found/);
    const identity = { type: 'exactReference', dockerReference: 'registry.test/team/app:1' };
    const policy = signedBy(keys.good, { signedIdentity: identity });
    assert.match((await face.run('verify', '--policy', policy, image)).stderr, /one is for 127\.0\.0\.1/);
  });

  test('of a damaged signature nothing comes but the payload that was signed, or nothing', async () => {
    const [directory = ''] = readdirSync(join(sigs, 'team'));
    const message = readFileSync(join(sigs, 'team', directory, 'signature-1'));
    const keyring = readFileSync(keys.good);
    const options = { gpgv: '/usr/bin/gpgv', signal: new AbortController().signal };
    const whole = await openSignedMessage(message, [keyring], options);
    assert.equal(parseSignedClaim(whole?.payload ?? Buffer.of(), 'simple-signing')?.identity, image);
    let refused = 0;
    for (let number = 0; number < 60; number += 1) {
      const bytes = Buffer.from(message);
      const at = Math.floor((bytes.length * number) / 60);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (number % 8)), at);
      const opened = await openSignedMessage(bytes, [keyring], options);
      // OpenPGP does not sign everything: the name and time of a literal packet, and unhashed subpackets.
      if (opened === undefined) refused += 1;
      else assert.deepEqual(opened.payload, whole?.payload);
    }
    assert.ok(refused > 40, String(refused));
    assert.equal(await openSignedMessage(message.subarray(0, -10), [keyring], options), undefined);
    assert.equal(await openSignedMessage(message, [readFileSync(keys.other)], options), undefined);
    assert.equal(await openSignedMessage(message, [], options), undefined);
  });

  test('skopeo accepts and refuses the same images by the same policies', async () => {
    const lookaside = `default-docker:\n  lookaside: file://${sigs}\n`;
    const registriesD = writeRegistriesD(temporaryDirectory(), lookaside);
    const face = faceWith(`file://${sigs}`);
    const repository = image.replace(/:1$/, '');
    const digest = await digestIn(image);
    const identity = (rule: object): string => signedBy(keys.good, { signedIdentity: rule });
    const cases: readonly (readonly [string, string, boolean])[] = [
      [signedBy(keys.good), image, true],
      [signedBy(keys.other), image, false],
      [signedBy(keys.good), `${repository}@${digest}`, true],
      [identity({ type: 'matchExact' }), image, true],
      [identity({ type: 'matchExact' }), `${repository}@${digest}`, false],
      [identity({ type: 'matchRepository' }), image, true],
      [identity({ type: 'exactReference', dockerReference: 'registry.test/team/app:1' }), image, false],
      [identity({ type: 'exactReference', dockerReference: image }), image, true],
      [identity({ type: 'exactRepository', dockerRepository: repository }), image, true],
      [identity({ type: 'remapIdentity', prefix: repository, signedPrefix: 'registry.test/x' }), image, false],
      [identity({ type: 'remapIdentity', prefix: 'registry.test', signedPrefix: 'other.test' }), image, true],
      [signedBy(keys.good), `${registry.address}/team/unsigned:1`, false],
      [writePolicy({ [`${repository}:2`]: [{ type: 'insecureAcceptAnything' }] }), image, false],
      [writePolicy({ [image]: [{ type: 'insecureAcceptAnything' }] }), image, true],
    ];
    for (const [policy, name, isAccepted] of cases) {
      const words = ['--policy', policy, '--registries.d', registriesD, 'copy', '--src-tls-verify=false'];
      const theirs = await run(['skopeo', ...words, `docker://${name}`, `dir:${temporaryDirectory()}`], {
        env: environment,
      });
      const ours = await face.run('pull', '-q', '--policy', policy, name);
      const said = `${name} by ${readFileSync(policy, 'utf8')}:\n${ours.stderr}${theirs.stderr}`;
      assert.deepEqual([ours.status === 0, theirs.status === 0], [isAccepted, isAccepted], said);
    }
  });

  test('signatures come from a web server too', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '');
      asked.push(path);
      try {
        response.end(readFileSync(join(sigs, path.replace(/^\/sigs/, ''))));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    after(() => server.close());
    const { port } = server.address() as { readonly port: number };
    const face = faceWith(`http://127.0.0.1:${port}/sigs`);
    const { status, stderr } = await face.run('verify', '--policy', signedBy(keys.good), image);
    assert.equal(status, 0, stderr);
    assert.match(asked[0] ?? '', /^\/sigs\/team\/app@sha256=[0-9a-f]{64}\/signature-1$/);
  });
});
