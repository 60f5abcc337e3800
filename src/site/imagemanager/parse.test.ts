// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseGatewayConfig } from './index.ts';

/** The example of Shifter's documentation, with most keys that its gateway reads. */
const example = `{
    "WorkerThreads": "8",
    "LogLevel": "critical",
    "DefaultImageLocation": "registry-1.docker.io",
    "DefaultImageFormat": "squashfs",
    "PullUpdateTimeout": 600,
    "PullUpdateTime": 600,
    "ImageExpirationTimeout": "90:00:00:10",
    "MongoDBURI":"mongodb://localhost/",
    "MongoDB":"Shifter",
    "CacheDirectory": "/images/cache/",
    "ExpandDirectory": "expand",
    "Metrics": false,
    "ImportUsers": "all",
    "DefaultOstCount": "16",
    "ConverterOptions": {"squashfs": "-no-xattrs -comp zstd -Xcompression-level 9", "cramfs": []},
    "examiner": "/usr/local/bin/examine",
    "Locations": {
        "registry-1.docker.io": {"remotetype": "dockerv2", "authentication": "http"},
        "site": {"remotetype": "dockerv2", "url": "http://reg.example:5000", "sslcacert": "certs/ca.pem", "authMethod": "basic"}
    },
    "Platforms": {
        "cori": {
            "mungeSocketPath": "/var/run/munge/munge.socket.2",
            "accesstype": "local",
            "admins": "root",
            "usergroupService": "local",
            "local": {"imageDir": "/images"}
        },
        "edison": {
            "mungeSocketPath": "/var/run/munge/edison",
            "accesstype": "remote",
            "admins": ["root", "canon"],
            "host": ["edison01", "edison02"],
            "architecture": "arm64",
            "ssh": {"username": "shifter", "key": "/k", "imageDir": "/images", "sshCmdOptions": ["-p", "22"], "scpCmdOptions": []}
        }
    }
}
`;

test("Shifter's own example, key by key", async () => {
  const { config, problems } = await parseGatewayConfig(example, '/srv');
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.ok(config !== undefined);
  assert.deepEqual(
    {
      ...config,
      locations: Object.fromEntries(config.locations),
      platforms: Object.fromEntries(config.platforms),
      limits: undefined,
    },
    {
      workerThreads: 8,
      logLevel: 'fatal',
      defaultLocation: 'registry-1.docker.io',
      format: 'squashfs',
      pullUpdateTimeoutSec: 600,
      imageExpirationSec: 90 * 86_400 + 10,
      databaseUri: 'mongodb://localhost/',
      databaseName: 'Shifter',
      cacheDirectory: '/images/cache/',
      expandDirectory: '/srv/expand',
      authentication: 'munge',
      importUsers: 'all',
      keepsMetrics: false,
      converter: { kind: 'slipway' },
      compressionLevel: 9,
      examiner: '/usr/local/bin/examine',
      listen: { host: '0.0.0.0', port: 5000 },
      tls: undefined,
      publicUrl: undefined,
      stopTimeoutSec: 600,
      convertedKeepSec: 3600,
      limits: undefined,
      locations: {
        'registry-1.docker.io': {
          name: 'registry-1.docker.io',
          registry: 'docker.io',
          isPlainHttp: false,
          certificateAuthorityPath: undefined,
        },
        'site': {
          name: 'site',
          registry: 'reg.example:5000',
          isPlainHttp: true,
          certificateAuthorityPath: '/srv/certs/ca.pem',
        },
      },
      platforms: {
        cori: {
          name: 'cori',
          mungeSocketPath: '/var/run/munge/munge.socket.2',
          admins: ['root'],
          imageDirectory: '/images',
          remote: undefined,
          architecture: undefined,
        },
        edison: {
          name: 'edison',
          mungeSocketPath: '/var/run/munge/edison',
          admins: ['root', 'canon'],
          imageDirectory: '/images',
          remote: { host: 'edison01', username: 'shifter', keyPath: '/k', options: ['-p', '22'] },
          architecture: 'arm64',
        },
      },
    },
  );
  const ignored = problems.filter(({ severity }) => severity === 'ignored').map(({ line, key }) => `${line} ${key}`);
  assert.deepEqual(ignored, [
    '7 PullUpdateTime',
    '15 DefaultOstCount',
    '16 ConverterOptions.cramfs',
    '19 Locations.registry-1.docker.io.authentication',
    '20 Locations.site.authMethod',
    '27 Platforms.cori.usergroupService',
    '36 Platforms.edison.ssh.scpCmdOptions',
  ]);
  assert.match(problems.map(({ text }) => text).join('\n'), /only the first, edison01/);
});

const small = {
  DefaultImageLocation: 'l',
  CacheDirectory: '/c',
  Locations: { l: { remotetype: 'dockerv2' } },
  Platforms: {},
};
const problemsOf = async (change: object): Promise<string> => {
  const { problems } = await parseGatewayConfig(JSON.stringify({ ...small, ...change }, undefined, 1), '/');
  return problems.map(({ severity, line, key, text }) => `${severity} ${line} ${key}: ${text}`).join('\n');
};

test('what is wrong is said with its line', async () => {
  assert.match(
    await problemsOf({ DefaultImageLocation: 'x' }),
    /^error 2 DefaultImageLocation: x is none of the Locations \(l\)$/,
  );
  assert.match(await problemsOf({ WorkerThreads: 0 }), /error \d+ WorkerThreads: it has to be a whole number from 1/);
  assert.match(await problemsOf({ Metrics: 'yes' }), /error \d+ Metrics: it has to be true or false/);
  assert.match(await problemsOf({ ImageExpirationTimeout: '90' }), /is not DAYS:HOURS:MINUTES:SECONDS/);
  assert.match(await problemsOf({ DefaultImageFormat: 'ext4' }), /no runtime can mount ext4/);
  assert.match(await problemsOf({ Workerthreads: 1 }), /warning \d+ Workerthreads: this key is not known/);
  assert.match(
    await problemsOf({ Locations: { l: { remotetype: 'dockerhub' } } }),
    /error \d+ Locations.l.remotetype: there is dockerv2/,
  );
  assert.match(
    await problemsOf({ Platforms: { a: { accesstype: 'remote', ssh: { imageDir: '/i' } } } }),
    /Platforms.a.host: it is missing/,
  );
  assert.match(
    await problemsOf({ Platforms: { a: { accesstype: 'local' } } }),
    /Platforms.a.local: imageDir is missing/,
  );
  assert.match(
    await problemsOf({ Platforms: { 'a b': { accesstype: 'local', local: { imageDir: '/i' } } } }),
    /a system is named by/,
  );
  assert.match(
    await problemsOf({
      Platforms: { a: { accesstype: 'remote', host: ['-oProxyCommand=x'], ssh: { imageDir: '/i' } } },
    }),
    /can be no host/,
  );
  assert.match(
    await problemsOf({ Platforms: { a: { accesstype: 'remot', architecture: 'x86_64', local: { imageDir: 'i' } } } }),
    /accesstype: it has to be local or remote, not remot\n.*images call it amd64.*\n.*an absolute path, not i$/,
  );
  assert.match(
    await problemsOf({ Platforms: { a: { accesstype: 'remote' } } }),
    /Platforms.a.ssh: imageDir is missing.*\n.*Platforms.a.host: it is missing/,
  );
  assert.match(await problemsOf({ Listen: 'x:y' }), /is not \[ADDRESS:\]PORT/);
  assert.match(await problemsOf({ DatabaseURI: 'mysql://x' }), /begins with none of/);
  assert.match(
    await problemsOf({ ConverterOptions: { squashfs: ['-p', '/x d 755 0 0'] } }),
    /would change what is in images/,
  );
  assert.match(
    await problemsOf({ ConverterOptions: { squashfs: '-comp xz' } }),
    /mksquashfs writes images, as only it knows -comp xz/,
  );
});

test('two systems with one directory have one architecture', async () => {
  const local = { accesstype: 'local', local: { imageDir: '/i' } };
  assert.equal(await problemsOf({ Platforms: { a: local, b: local } }), '');
  assert.match(
    await problemsOf({ Platforms: { a: local, b: { ...local, architecture: 'arm64' } } }),
    /Platforms.b: it shares \/i with a/,
  );
});

test('broken text is refused with its line, and YAML is read too', async () => {
  const broken = await parseGatewayConfig('{\n "a": 1\n "b": 2 }', '/');
  assert.deepEqual([broken.config, broken.problems[0]?.line], [undefined, 2]);
  assert.match(broken.problems[0]?.text ?? '', /^this is no JSON: Expected ',' or '\}' .*\(line 3 column 2\)$/);
  assert.match((await parseGatewayConfig('a: [1', '/')).problems[0]?.text ?? '', /end with a \]/);
  assert.match((await parseGatewayConfig('[]', '/')).problems[0]?.text ?? '', /one object/);
  const yaml = `# a comment
DefaultImageLocation: docker.io
CacheDirectory: /c
Locations:
  docker.io: {remotetype: dockerv2}
Platforms:
  a: {accesstype: local, local: {imageDir: /i}}
`;
  assert.equal((await parseGatewayConfig(yaml, '/')).config?.platforms.get('a')?.imageDirectory, '/i');
  const twice = await parseGatewayConfig('{"WorkerThreads": 1, "WorkerThreads": 2}', '/');
  assert.match(twice.problems.map(({ text }) => text).join(), /there twice/);
});

test('no text does more than be refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      const { config, problems } = await parseGatewayConfig(text, '/');
      assert.equal(config, undefined);
      assert.notEqual(problems.length, 0);
    }),
  );
});
