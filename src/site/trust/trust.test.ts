// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { parsePolicy } from './policy-json.ts';
import { readLookaside, readTrustPolicy } from './read-trust.ts';
import { parseLookasides } from './registries-d.ts';

const accept = [{ type: 'insecureAcceptAnything' }];

describe('parsePolicy', () => {
  test('reads what containers-policy.json(5) describes', () => {
    const policy = parsePolicy(
      JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: {
            '': accept,
            'r.test': [
              { type: 'signedBy', keyType: 'GPGKeys', keyPaths: ['/a', '/b'] },
              { type: 'sigstoreSigned', keyData: 'AAEC', signedIdentity: { type: 'matchRepository' } },
            ],
            's.test/x': [
              {
                type: 'sigstoreSigned',
                keyPath: '/k.pub',
                signedIdentity: { type: 'remapIdentity', prefix: 's.test', signedPrefix: 'r.test' },
              },
            ],
          },
        },
      }),
      '/p',
    );
    assert.deepEqual(policy, {
      path: '/p',
      default: [{ type: 'reject' }],
      transports: new Map([
        [
          'docker',
          new Map<string, unknown>([
            ['', accept],
            [
              'r.test',
              [
                {
                  type: 'signedBy',
                  keys: [
                    { kind: 'file', path: '/a' },
                    { kind: 'file', path: '/b' },
                  ],
                  identity: { type: 'matchRepoDigestOrExact' },
                },
                {
                  type: 'sigstoreSigned',
                  keys: [{ kind: 'data', bytes: Buffer.of(0, 1, 2) }],
                  identity: { type: 'matchRepository' },
                },
              ],
            ],
            [
              's.test/x',
              [
                {
                  type: 'sigstoreSigned',
                  keys: [{ kind: 'file', path: '/k.pub' }],
                  identity: { type: 'remapIdentity', prefix: 's.test', signedPrefix: 'r.test' },
                },
              ],
            ],
          ]),
        ],
      ]),
    });
  });

  test('what asks for a transparency log or certificates is never met', () => {
    const requirement = { type: 'sigstoreSigned', keyPath: '/k', rekorPublicKeyPath: '/r' };
    const [first] = parsePolicy(JSON.stringify({ default: [requirement] }), 'p').default;
    assert.equal(first?.type, 'unsupported');
  });

  const signedBy = { type: 'signedBy', keyType: 'GPGKeys' };
  const refused: readonly unknown[] = [
    {},
    [],
    { default: [] },
    { default: [{ type: 'accept' }] },
    { default: accept, more: 1 },
    { default: [{ type: 'reject', more: 1 }] },
    { default: accept, transports: { docker: { '': [] } } },
    { default: accept, transports: { docker: [] } },
    { default: [signedBy] },
    { default: [{ ...signedBy, keyPath: '/a', keyData: 'AAAA' }] },
    { default: [{ ...signedBy, keyPath: 'relative' }] },
    { default: [{ ...signedBy, keyPaths: [] }] },
    { default: [{ ...signedBy, keyPath: '/a', keyType: 'X509' }] },
    { default: [{ ...signedBy, keyPath: '/a', signedIdentity: { type: 'any' } }] },
    {
      default: [
        { ...signedBy, keyPath: '/a', signedIdentity: { type: 'exactReference', dockerReference: 'r.test/a' } },
      ],
    },
    { default: [{ ...signedBy, keyPath: '/a', signedIdentity: { type: 'matchExact', more: 1 } }] },
  ];
  for (const value of refused) {
    const text = JSON.stringify(value);
    test(`refuses ${text}`, () => {
      assert.throws(() => parsePolicy(text, '/p'), { code: 'containers-file-malformed', message: /^read \/p: / });
    });
  }

  test('refuses a field that is there twice', () => {
    const text = '{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}';
    assert.throws(() => parsePolicy(text, '/p'), { code: 'containers-file-malformed', message: /twice/ });
  });

  test('throws nothing else whatever it is given', () => {
    const requirement = fc.record(
      {
        type: fc.constantFrom('signedBy', 'sigstoreSigned', 'reject'),
        keyType: fc.jsonValue(),
        keyPath: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const document = fc.record({
      default: fc.oneof(fc.array(requirement), fc.jsonValue()),
      transports: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.oneof(document, fc.jsonValue()), (value) => {
        try {
          parsePolicy(JSON.stringify(value), 'p');
        } catch (error) {
          assert.ok(hasCode(error, 'containers-file-malformed'));
        }
      }),
    );
  });
});

describe('parseLookasides', () => {
  test('reads scopes, the default, and the older name of the field', () => {
    const found = parseLookasides([
      {
        path: 'a',
        text: 'default-docker:\n  lookaside: file:///sigs\ndocker:\n  r.test:\n    sigstore: https://s.test/x',
      },
      { path: 'b', text: 'docker:\n  t.test:\n    use-sigstore-attachments: true\n' },
      { path: 'c', text: '' },
    ]);
    assert.deepEqual(
      [...found].map(([scope, url]) => [scope, url?.href]),
      [
        ['', 'file:///sigs'],
        ['r.test', 'https://s.test/x'],
        ['t.test', undefined],
      ],
    );
  });

  test('refuses what contradicts itself or is no address', () => {
    const same = { path: 'f', text: 'docker:\n  r.test:\n    lookaside: file:///a' };
    for (const files of [
      [same, same],
      [{ path: 'f', text: 'docker:\n  r.test:\n    lookaside: ftp://a' }],
      [{ path: 'f', text: 'docker: []' }],
      [{ path: 'f', text: 'podman:\n  a: 1' }],
      [{ path: 'f', text: 'a: &x 1\nb: *x' }],
      [{ path: 'f', text: '{' }],
    ]) {
      assert.throws(() => parseLookasides(files), { code: 'containers-file-malformed' });
    }
  });
});

test("the user's policy stands before the site's, a given one before both", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-trust-'));
  after(() => rmSync(directory, { recursive: true }));
  const write = (path: string, text: string): string => {
    const full = join(directory, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, text);
    return full;
  };
  const places = { environment: {}, home: join(directory, 'home'), systemDirectory: join(directory, 'etc') };
  assert.equal(await readTrustPolicy(places), undefined);
  const text = JSON.stringify({ default: accept });
  const site = write('etc/containers/policy.json', text);
  assert.equal((await readTrustPolicy(places))?.path, site);
  const user = write('home/.config/containers/policy.json', text);
  assert.equal((await readTrustPolicy(places))?.path, user);
  assert.equal((await readTrustPolicy(places, site))?.path, site);
  await assert.rejects(readTrustPolicy(places, '/not/there'), { code: 'containers-file-malformed' });

  const scopes = ['r.test/a:1', 'r.test/a', 'r.test'];
  const isRoot = process.geteuid?.() === 0;
  const lookaside = `${isRoot ? '/var/lib' : `${directory}/home/.local/share`}/containers/sigstore`;
  assert.equal((await readLookaside(places, scopes))?.pathname, lookaside);
  write('etc/containers/registries.d/default.yaml', 'docker:\n  r.test:\n    lookaside: https://sigs.test/');
  assert.equal((await readLookaside(places, scopes))?.href, 'https://sigs.test/');
});
