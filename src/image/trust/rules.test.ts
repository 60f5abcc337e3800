// SPDX-License-Identifier: Apache-2.0
// Which requirements are for an image, and which names in signatures they accept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseImageReference,
  type SignedIdentity,
  type TrustPolicy,
  type TrustRequirement,
} from '../../model/index.ts';
import { readStatus, withoutArmour } from './open-pgp.ts';
import { dockerScopes, requirementsFor, requirementsOf } from './requirements.ts';
import { isIdentityAccepted } from './signed-identity.ts';

const digest = `sha256:${'0a'.repeat(32)}`;

test('the scopes of an image, from the most specific on', () => {
  assert.deepEqual(dockerScopes(parseImageReference('a.b.test:5000/x/y/z:1')), [
    'a.b.test:5000/x/y/z:1',
    'a.b.test:5000/x/y/z',
    'a.b.test:5000/x/y',
    'a.b.test:5000/x',
    'a.b.test:5000',
    '*.b.test:5000',
    '*.test:5000',
  ]);
  assert.deepEqual(dockerScopes(parseImageReference(`debian@${digest}`)).slice(0, 3), [
    `docker.io/library/debian@${digest}`,
    'docker.io/library/debian',
    'docker.io/library',
  ]);
});

test('only the most specific scope counts', () => {
  const named = (reason: string): readonly TrustRequirement[] => [{ type: 'unsupported', reason }];
  const policy: TrustPolicy = {
    path: 'p',
    default: named('default'),
    transports: new Map([
      [
        'docker',
        new Map([
          ['', named('docker')],
          ['r.test', named('registry')],
          ['r.test/team', named('team')],
          ['r.test/team/app:1', named('tag')],
          ['*.wild.test', named('wild')],
        ]),
      ],
      ['oci', new Map([['/images', named('oci images')]])],
    ]),
  };
  const found = (name: string): string => {
    const [first] = requirementsFor(policy, parseImageReference(name));
    return first?.type === 'unsupported' ? first.reason : '';
  };
  assert.deepEqual(
    ['r.test/team/app:1', 'r.test/team/app:2', 'r.test/teams/app', 'a.wild.test/x', 'wild.test/x'].map(found),
    ['tag', 'team', 'registry', 'wild', 'docker'],
  );
  assert.deepEqual(requirementsOf(policy, 'oci', ['/images/a:1', '/images/a', '/images']), named('oci images'));
  assert.deepEqual(requirementsOf(policy, 'oci', ['/elsewhere']), named('default'));
  assert.deepEqual(requirementsOf(policy, 'dir', []), named('default'));
});

const identities: readonly (readonly [SignedIdentity, string, readonly string[], readonly string[]])[] = [
  [
    { type: 'matchExact' },
    'r.test/a:1',
    ['r.test/a:1'],
    ['r.test/a:2', 'r.test/a', 'r.test/b:1', 's.test/a:1', '', '///'],
  ],
  [{ type: 'matchExact' }, `r.test/a@${digest}`, [`r.test/a@${digest}`], ['r.test/a:1', 'r.test/a']],
  [{ type: 'matchExact' }, 'r.test/a', ['r.test/a:latest'], ['r.test/a']],
  [{ type: 'matchRepoDigestOrExact' }, 'r.test/a:1', ['r.test/a:1'], ['r.test/a:2', 'r.test/a', 'r.test/a/b:1']],
  [{ type: 'matchRepoDigestOrExact' }, `r.test/a@${digest}`, ['r.test/a:1', 'r.test/a'], ['r.test/b:1', 'r.test/a/b']],
  [{ type: 'matchRepoDigestOrExact' }, `r.test/a:1@${digest}`, ['r.test/a:1'], ['r.test/a:2', 'r.test/a']],
  [{ type: 'matchRepository' }, 'r.test/a:1', ['r.test/a', 'r.test/a:2', `r.test/a@${digest}`], ['r.test/ab', 'a']],
  [{ type: 'matchRepository' }, 'debian', ['docker.io/library/debian', 'debian:12'], ['docker.io/debian/debian']],
  [{ type: 'exactReference', reference: 'x.test/y:1' }, 'r.test/a:1', ['x.test/y:1'], ['r.test/a:1', 'x.test/y']],
  [{ type: 'exactRepository', repository: 'x.test/y' }, 'r.test/a:1', ['x.test/y', 'x.test/y:2'], ['r.test/a:1']],
  [
    { type: 'remapIdentity', prefix: 'mirror.test/hub', signedPrefix: 'docker.io' },
    'mirror.test/hub/library/debian:12',
    ['docker.io/library/debian:12'],
    ['mirror.test/hub/library/debian:12', 'docker.io/library/debian:13', 'docker.io/library/debian'],
  ],
  [
    { type: 'remapIdentity', prefix: 'mirror.test/hub', signedPrefix: 'docker.io' },
    'mirror.test/hubs/debian:12',
    ['mirror.test/hubs/debian:12'],
    ['docker.io/debian:12', 'docker.ios/debian:12'],
  ],
];
for (const [rule, asked, accepted, refused] of identities) {
  test(`${JSON.stringify(rule)} for ${asked}`, () => {
    const isAccepted = (name: string): boolean => isIdentityAccepted(rule, parseImageReference(asked), name);
    for (const name of accepted) assert.ok(isAccepted(name), name);
    for (const name of refused) assert.ok(!isAccepted(name), name);
  });
}

describe('what gpgv reports', () => {
  const fingerprint = '138A675002442518301DD1FD31745E61A8B5A03C';
  const good = [
    'PLAINTEXT 62 1795290405 ',
    'NEWSIG',
    'GOODSIG 31745E61A8B5A03C Test <t@example.test>',
    `VALIDSIG ${'0'.repeat(40)} 2026-11-21 1795290405 0 4 0 1 10 00 ${fingerprint}`,
  ];
  const report = (lines: readonly string[]): string => lines.map((line) => `[GNUPG:] ${line}\n`).join('');

  test('one text with one good signature gives the primary key', () => {
    assert.equal(readStatus(report(good)), fingerprint);
  });

  test('nothing else does', () => {
    const [plain = '', fresh = '', signed = '', valid = ''] = good;
    for (const lines of [
      [],
      [plain, fresh, valid],
      [plain, fresh, signed],
      [fresh, signed, valid],
      [...good, plain],
      [...good, fresh, signed, valid],
      [plain, fresh, 'EXPKEYSIG 31745E61A8B5A03C Test', valid],
      [plain, fresh, 'REVKEYSIG 31745E61A8B5A03C Test', valid],
      [...good, 'BADSIG 31745E61A8B5A03C Test'],
      [...good, 'ERRSIG x'],
    ]) {
      assert.equal(readStatus(report(lines)), undefined, lines.join('|'));
    }
    // A user's name can't pass for a line of the report.
    assert.equal(readStatus(good.join('\n')), undefined);
  });

  test('armour comes off, what has none stays as it is', () => {
    const bytes = Buffer.from([0x99, 1, 2, 3, 4, 5]);
    const armoured = `-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\n${bytes.toString('base64')}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`;
    assert.deepEqual(withoutArmour(Buffer.from(armoured)), bytes);
    assert.deepEqual(withoutArmour(Buffer.from(armoured.replace('Version: x\n', ''))), bytes);
    assert.deepEqual(withoutArmour(Buffer.from(`${armoured}${armoured}`)), Buffer.concat([bytes, bytes]));
    assert.deepEqual(withoutArmour(bytes), bytes);
  });
});
