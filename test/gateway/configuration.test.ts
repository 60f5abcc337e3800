// SPDX-License-Identifier: Apache-2.0
// What a site can configure: an examiner, mksquashfs as converter, imports, TLS; reading the configuration again, and
// checking it.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCertificate } from '../support/certificates.ts';
import { run, runOk } from '../support/command.ts';
import { makeLayout } from '../cli/face.ts';
import { mungeCommands } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const commands = [...registryCommands, ...mungeCommands, 'unsquashfs', 'mksquashfs', 'openssl'];
const skip = needs({ commands, root: true });

describe('configuration', { skip }, () => {
  let registry: Registry;
  let locations: Readonly<Record<string, object>>;
  before(async () => {
    registry = await startRegistry();
    locations = { [registry.address]: { remotetype: 'dockerv2' } };
    for (const name of ['good', 'bad']) {
      const layout = await makeLayout([{ 'etc/name': name, 'opt/secret': 'x' }], {
        Env: ['A=b c'],
        Entrypoint: ['/x', "it's"],
        WorkingDir: '/opt',
      });
      await pushImage({ layout, tag: '1' }, `${registry.address}/${name}:1`);
    }
  });

  test('an examiner sees the tree and may refuse it; mksquashfs writes with the options of the site', async () => {
    const examiner = join(temporaryDirectory(), 'examine');
    writeFileSync(examiner, '#!/bin/sh\ngrep -q bad "$1/etc/name" && { echo "no $2" >&2; exit 3; }\nexit 0\n');
    chmodSync(examiner, 0o755);
    const gateway = await startGateway({
      locations,
      config: { examiner, ConverterOptions: { squashfs: '-comp xz -no-xattrs' } },
    });
    const refused = await gateway.shifterimg(['pull', 'bad:1']);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /examine the image [0-9a-f]{64}: .*\/examine refused it with status 3: no [0-9a-f]{64}/,
    );
    assert.deepEqual(readdirSync(gateway.imageDirectory), []);
    assert.equal((await gateway.shifterimg(['pull', 'good:1'])).status, 0);
    const id = (await gateway.shifterimg(['lookup', 'good:1'])).stdout.trim();
    assert.match(await runOk(['unsquashfs', '-s', join(gateway.imageDirectory, `${id}.squashfs`)]), /Compression xz/);
    assert.deepEqual(readdirSync(join(gateway.directory, 'expand')), []);
    assert.equal(
      readFileSync(join(gateway.imageDirectory, `${id}.meta`), 'utf8'),
      `# converted by Slipway\nFORMAT: squashfs\nENTRY: ['/x', "it's"]\nWORKDIR: /opt\nENV: A=b c\n`,
    );
  });

  test('an import takes what the user may read, and nothing else', async () => {
    const user = await acquireTestUser();
    const gateway = await startGateway({ locations, config: { ImportUsers: [user.name] } });
    const own = user.makeDirectory('own');
    await user.runOk([
      'sh',
      '-c',
      `mkdir tree && echo x > tree/f && mksquashfs tree ${own}/mine.squashfs -quiet -no-progress && chmod 600 ${own}/mine.squashfs`,
    ]);
    const doimport = async (filepath: string, tag: string, as = user): Promise<Record<string, unknown>> => {
      const path = `/api/doimport/testsys/custom/${tag}/`;
      for (let tries = 0; ; tries += 1) {
        assert.ok(tries < 2400, JSON.stringify(gateway.log().slice(-4)));
        const { text } = await gateway.fetch(path, {
          method: 'POST',
          user: as,
          body: JSON.stringify({ filepath, format: 'squashfs' }),
        });
        const record = JSON.parse(text) as Record<string, unknown>;
        if (!['INIT', 'PENDING', 'HASHING', 'TRANSFER'].includes(String(record['status']))) return record;
        await delay(50);
      }
    };
    const done = await doimport(`${own}/mine.squashfs`, 'mine%3A1');
    assert.equal(done['status'], 'READY', JSON.stringify(done));
    const sum = (await runOk(['sha256sum', `${own}/mine.squashfs`])).slice(0, 64);
    assert.equal(done['id'], sum);
    assert.match(
      readFileSync(join(gateway.imageDirectory, `${sum}.meta`), 'utf8'),
      new RegExp(`^FORMAT: squashfs\nUSER: ${user.name}\n$`),
    );
    assert.equal((await gateway.shifterimg(['lookup', 'custom:mine:1'], user)).stdout, `${sum}\n`);

    const secret = join(gateway.directory, 'secret');
    mkdirSync(secret, { mode: 0o700 });
    await runOk(['cp', `${own}/mine.squashfs`, `${secret}/x`]);
    symlinkSync(`${secret}/x`, `${own}/link`);
    writeFileSync(`${own}/text`, 'no image', { mode: 0o644 });
    for (const [path, reason] of [
      [`${secret}/x`, /you may not enter/],
      [`${own}/link`, /ELOOP|symbolic/],
      [`${own}/text`, /no squashfs/],
      [`${own}/../own/mine.squashfs`, /without \. and \.\./],
    ] as const) {
      const failed = await doimport(path, `x${Math.random()}%3A1`);
      assert.equal(failed['status'], 'FAILURE', path);
      assert.match(String(failed['status_message']), reason);
    }
    const other = await gateway.fetch('/api/doimport/testsys/custom/y/', {
      method: 'POST',
      body: '{"filepath":"/x","format":"squashfs"}',
    });
    assert.match(other.text, /may not import/);
  });

  test('SIGHUP reads the configuration again; one that is wrong changes nothing', async () => {
    const gateway = await startGateway({ locations });
    const config = JSON.parse(readFileSync(gateway.configPath, 'utf8')) as { Platforms: Record<string, unknown> };
    const reload = async (text: string, sign: RegExp): Promise<void> => {
      writeFileSync(gateway.configPath, text);
      process.kill(gateway.service().pid, 'SIGHUP');
      for (let tries = 0; !sign.test(gateway.service().output()); tries += 1) {
        assert.ok(tries < 2400, gateway.service().output());
        await delay(50);
      }
    };
    const more = { ...config, Platforms: { ...config.Platforms, second: config.Platforms['testsys'] } };
    await reload(JSON.stringify(more), /configuration read anew/);
    assert.equal((await gateway.fetch('/api/list/second/')).status, 200);
    await reload('{"WorkerThreads": "many"}', /is not taken over/);
    assert.equal((await gateway.fetch('/api/list/second/')).status, 200);
  });

  test('TLS', async () => {
    const certificate = await makeCertificate();
    const gateway = await startTls(certificate);
    const health = (ca: string | Buffer): Promise<number | string | undefined> =>
      new Promise((resolve) => {
        const options = { host: '127.0.0.1', port: gateway.port, path: '/health', ca, agent: false };
        request(options, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', (error) => resolve(error.message))
          .end();
      });
    assert.equal(await health(certificate.cert), 200);

    // It is renewed while the gateway runs.
    const renewed = await makeCertificate();
    copyFileSync(renewed.keyPath, certificate.keyPath);
    copyFileSync(renewed.certificatePath, certificate.certificatePath);
    assert.equal(await health(certificate.cert), 200);
    process.kill(gateway.service().pid, 'SIGHUP');
    for (let tries = 0; (await health(renewed.cert)) !== 200; tries += 1) {
      assert.ok(tries < 2400, gateway.service().output());
      await delay(50);
    }
    assert.notEqual(await health(certificate.cert), 200);
  });

  async function startTls(certificate: {
    readonly certificatePath: string;
    readonly keyPath: string;
  }): Promise<TestGateway> {
    const TLS = { certificate: certificate.certificatePath, key: certificate.keyPath };
    return await startGateway({ locations, config: { TLS }, scheme: 'https' });
  }

  test('check says what is wrong, by line', async () => {
    const path = join(temporaryDirectory(), 'imagemanager.json');
    writeFileSync(path, '{\n "WorkerThreads": 0,\n "DefaultOstCount": 1,\n "Nosuch": 1\n}\n');
    const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', XDG_RUNTIME_DIR: temporaryDirectory() };
    const slipway = `${await slipwayPrefix()}/bin/slipway`;
    const checked = await run([slipway, 'gateway', 'check', path], { env });
    assert.equal(checked.status, 1);
    assert.match(
      checked.stdout,
      new RegExp(`^${path}:2: error: WorkerThreads: it has to be a whole number from 1 to 64$`, 'm'),
    );
    assert.match(checked.stdout, new RegExp(`^${path}:3: no effect: DefaultOstCount: `, 'm'));
    assert.match(checked.stdout, new RegExp(`^${path}:4: warning: Nosuch: this key is not known`, 'm'));
    const good = {
      DefaultImageLocation: 'l',
      CacheDirectory: '/c',
      Locations: { l: { remotetype: 'dockerv2', sslcacert: '/nonexistent/ca.pem' } },
      Platforms: { a: { accesstype: 'local', local: { imageDir: '/nonexistent/images' }, mungeSocketPath: path } },
      examiner: '/nonexistent/examiner',
    };
    const other = join(temporaryDirectory(), 'imagemanager.json');
    writeFileSync(other, JSON.stringify(good));
    const warned = await run([slipway, 'gateway', 'check', other], { env });
    assert.deepEqual([warned.status, warned.stderr], [0, `${other} is good for a\n`]);
    const absent = ['examiner', 'Locations.l.sslcacert', 'Platforms.a.local.imageDir'];
    const names = ['examiner', 'ca.pem', 'images'];
    const lines = absent.map((key, index) => `${other}: warning: ${key}: there is no /nonexistent/${names[index]}\n`);
    assert.equal(warned.stdout, lines.join(''));
    const missing = await run([slipway, 'gateway', 'serve', `--config=${path}`], { env });
    assert.equal(missing.status, 125);
    assert.match(missing.stderr, /read the configuration .*line 2, WorkerThreads/);
  });
});
