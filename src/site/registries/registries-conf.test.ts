// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { findCertificates } from './certs-d.ts';
import { mergeRegistriesFiles, parseRegistriesFile } from './registries-conf.ts';
import { readRegistriesConf } from './read-registries-conf.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-site-'));
after(() => rmSync(directory, { recursive: true }));

function write(path: string, text: string): string {
  const full = join(directory, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

describe('parseRegistriesFile', () => {
  test('reads what containers-registries.conf(5) describes', () => {
    const file = parseRegistriesFile(
      `
unqualified-search-registries = ["registry.example.org", "docker.io"]
short-name-mode = "permissive"
credential-helpers = ["containers-auth.json", "pass"]
[[registry]]
prefix = "example.com/foo/"
insecure = true
blocked = false
location = "internal-registry-for-example.com/bar"
[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"
insecure = true
[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "*.bad.example"
blocked = true
[aliases]
"fedora" = "registry.fedora.test/fedora"
"gone" = ""
`,
      'f',
    );
    assert.deepEqual(file.searched, ['registry.example.org', 'docker.io']);
    assert.equal(file.shortNames, 'permissive');
    assert.deepEqual(file.credentialHelpers, ['containers-auth.json', 'pass']);
    assert.deepEqual(file.rules, [
      {
        prefix: 'example.com/foo',
        location: 'internal-registry-for-example.com/bar',
        isInsecure: true,
        isBlocked: false,
        mirrors: [
          { location: 'example-mirror-0.local/mirror-for-foo', isInsecure: true, pullFrom: 'all' },
          { location: 'example-mirror-1.local/mirrors/foo', isInsecure: false, pullFrom: 'digest-only' },
        ],
      },
      { prefix: '*.bad.example', location: '', isInsecure: false, isBlocked: true, mirrors: [] },
    ]);
    assert.deepEqual(
      [...file.aliases],
      [
        ['fedora', 'registry.fedora.test/fedora'],
        ['gone', ''],
      ],
    );
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['[registries.search]\nregistries = ["a"]', /version 1/],
    ['[[registry]]\nblocked = true', /neither prefix nor location/],
    ['[[registry]]\nprefix = "a.test"', /has no location/],
    ['[[registry]]\nlocation = "https://a.test"', /no host/],
    ['[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\ninsecure = true', /mirror of a\.test/],
    ['[[registry]]\nlocation = "a.test"\ninsecure = "yes"', /neither true nor false/],
    ['short-name-mode = "ask"', /short-name-mode/],
    ['[aliases]\na = "b.test/a:1"', /tag or digest/],
    ['credential-helpers = ["../x"]', /no name/],
    ['registry = 1', /no list of tables/],
    ['a = ', /./],
  ];
  for (const [text, message] of refused) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseRegistriesFile(text, '/x'), { code: 'containers-file-malformed', message });
    });
  }

  test('throws nothing else whatever it is given', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('[[registry]]', '[aliases]', 'location = ', '"a.test"', '[[registry.mirror]]', 'blocked = true'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        try {
          parseRegistriesFile(lines.join('\n'), 'f');
        } catch (error) {
          assert.ok(hasCode(error, 'containers-file-malformed'));
        }
      }),
    );
  });
});

test('later files replace lists and the rules of one prefix, and take aliases away', () => {
  const rules = mergeRegistriesFiles(
    [
      'unqualified-search-registries = ["a.test"]\n[[registry]]\nlocation = "x.test"\n[aliases]\none = "a.test/one"\ntwo = "a.test/two"',
      '[[registry]]\nprefix = "x.test"\nlocation = "y.test"\n[aliases]\none = ""',
      'short-name-mode = "disabled"',
    ].map((text) => parseRegistriesFile(text, 'f')),
  );
  assert.deepEqual(rules.searched, ['a.test']);
  assert.equal(rules.shortNames, 'disabled');
  assert.deepEqual(
    rules.rules.map(({ prefix, location }) => [prefix, location]),
    [['x.test', 'y.test']],
  );
  assert.deepEqual([...rules.aliases.keys()], ['two']);
});

test("the user's registries.conf stands before the site's; drop-ins of both count", async () => {
  const systemDirectory = join(directory, 'etc');
  const home = join(directory, 'home');
  write('etc/containers/registries.conf', 'unqualified-search-registries = ["site.test"]');
  write('etc/containers/registries.conf.d/10-site.conf', '[[registry]]\nlocation = "a.test"\nblocked = true');
  write('etc/containers/registries.conf.d/notes.txt', 'no TOML');
  const places = { environment: {}, home, systemDirectory };
  assert.deepEqual((await readRegistriesConf(places)).searched, ['site.test']);
  write('home/.config/containers/registries.conf', 'unqualified-search-registries = ["user.test"]');
  write('home/.config/containers/registries.conf.d/x.conf', '[[registry]]\nlocation = "b.test"');
  const rules = await readRegistriesConf(places);
  assert.deepEqual(rules.searched, ['user.test']);
  assert.deepEqual(
    rules.rules.map(({ prefix }) => prefix),
    ['a.test', 'b.test'],
  );
  const chosen = write('own.conf', 'unqualified-search-registries = ["own.test"]');
  const own = await readRegistriesConf({ ...places, environment: { CONTAINERS_REGISTRIES_CONF: chosen } });
  assert.deepEqual([own.searched, own.rules], [['own.test'], []]);
  assert.deepEqual((await readRegistriesConf({ environment: {}, home: '/nowhere', systemDirectory: '/no' })).rules, []);
});

describe('findCertificates', () => {
  const pem = '-----BEGIN CERTIFICATE-----\n';
  const [first, second] = [join(directory, 'certs-1'), join(directory, 'certs-2')];
  write('certs-1/r.test:5000/ca.crt', `${pem}1`);
  write('certs-2/r.test:5000/ca.crt', `${pem}2`);
  write('certs-2/s.test:443/client.cert', `${pem}c`);
  write('certs-2/s.test:443/client.key', `${pem}k`);
  write('certs-2/broken.test/client.cert', `${pem}c`);
  write('certs-2/alone.test/client.key', `${pem}k`);
  write('certs-2/binary.test/ca.crt', '\x30\x82');

  test('the first directory for a host counts', () => {
    assert.deepEqual(findCertificates('r.test:5000', [first, second]), { authorities: [`${pem}1`] });
    assert.deepEqual(findCertificates('r.test:5000', [second, first]), { authorities: [`${pem}2`] });
    assert.deepEqual(findCertificates('r.test', [first, second]), {});
    assert.deepEqual(findCertificates('s.test', [first, second]), {
      authorities: [],
      identity: { certificate: `${pem}c`, key: `${pem}k` },
    });
  });

  test('what is incomplete is refused, and no name leads out of the directory', () => {
    for (const host of ['broken.test', 'alone.test', 'binary.test']) {
      assert.throws(() => findCertificates(host, [second]), { code: 'certificates-unreadable' }, host);
    }
    for (const host of ['..', '../certs-2/r.test:5000', '.', '']) assert.deepEqual(findCertificates(host, [first]), {});
  });
});
