// SPDX-License-Identifier: Apache-2.0
// `slipway pull` through what sites put between users and registries: own authorities, client certificates, mirrors,
// proxies; all set in files and variables as a person or site would.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createProxy, request as forward } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { createFace, type Face, makeLayout } from '../cli/face.ts';
import { type Certificate, makeCertificate } from '../support/certificates.ts';
import { needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { startSocksProxy } from '../support/socks-proxy.ts';

suite(
  'between users and registries',
  { skip: needs({ commands: [...registryCommands, 'openssl', 'htpasswd'] }) },
  () => {
    let layout = '';
    let plain: Registry;
    let certificate: Certificate;
    before(async () => {
      certificate = await makeCertificate(['IP:127.0.0.1', 'DNS:registry.test', 'DNS:localhost']);
      plain = await startRegistry();
      layout = await makeLayout([{ 'bin/tool': 'a program' }]);
      await pushImage({ layout, tag: '1' }, `${plain.address}/team/tool:1`);
    });
    const writeIn = (face: Face, path: string, text: string): void => {
      const full = join(face.home, path);
      mkdirSync(join(full, '..'), { recursive: true });
      writeFileSync(full, text);
    };
    const pull = async (face: Face, name: string): Promise<string> => {
      const { status, stderr } = await face.run('pull', '-q', name);
      return status === 0 ? 'pulled' : stderr;
    };
    const withRegistries = (toml: string): Face => {
      const face = createFace();
      writeIn(face, '.config/containers/registries.conf', toml);
      return face;
    };
    const listen = async (
      server: ReturnType<typeof createServer> | ReturnType<typeof createProxy>,
    ): Promise<string> => {
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      onEnd(() => {
        server.closeAllConnections();
        server.close();
      });
      return `127.0.0.1:${(server.address() as { readonly port: number }).port}`;
    };

    test("a registry's own authority, from certs.d", async () => {
      const tls = { certificatePath: certificate.certificatePath, keyPath: certificate.keyPath };
      const registry = await startRegistry({ tls });
      const name = `${registry.address}/team/tool:1`;
      await pushImage({ layout, tag: '1' }, name);
      const face = createFace();
      assert.match(await pull(face, name), /is not trusted .*\n +hint: .*certs\.d/);
      writeIn(face, `.config/containers/certs.d/${registry.address}/ca.crt`, certificate.cert);
      assert.equal(await pull(face, name), 'pulled');
      const insecure = withRegistries(`[[registry]]\nlocation = "${registry.address}"\ninsecure = true`);
      assert.equal(await pull(insecure, name), 'pulled');
    });

    test('a client certificate, from certs.d, to the host that it is for', async () => {
      const client = await makeCertificate(['DNS:client.test']);
      const shown: string[] = [];
      const [host = '', port = ''] = plain.address.split(':');
      const gate = createServer(
        {
          key: certificate.key,
          cert: certificate.cert,
          ca: [client.cert],
          requestCert: true,
          rejectUnauthorized: true,
        },
        (message, response) => {
          shown.push(
            (
              message.socket as unknown as { getPeerCertificate: () => { subject: { CN: string } } }
            ).getPeerCertificate().subject.CN,
          );
          const { method, url, headers } = message;
          const onward = forward({ host, port, method, path: url, headers }, (reply) => {
            response.writeHead(reply.statusCode ?? 500, reply.headers);
            reply.pipe(response);
          });
          onward.end();
        },
      );
      const address = await listen(gate);
      const face = createFace();
      const certs = `.config/containers/certs.d/${address}`;
      writeIn(face, `${certs}/ca.crt`, certificate.cert);
      // Node's server hangs up without a word where others send an alert.
      assert.match(await pull(face, `${address}/team/tool:1`), /^slipway: reach 127\.0\.0\.1/);
      assert.deepEqual(shown, []);
      writeIn(face, `${certs}/me.cert`, client.cert);
      assert.match(await pull(face, `${address}/team/tool:1`), /there is me\.cert but no me\.key/);
      writeIn(face, `${certs}/me.key`, client.key);
      assert.equal(await pull(face, `${address}/team/tool:1`), 'pulled');
      assert.ok(shown.length > 0);
    });

    test('mirrors, rewritten and blocked registries, and short names of registries.conf', async () => {
      const mirrored = withRegistries(`
unqualified-search-registries = ["registry.test"]
[[registry]]
prefix = "registry.test"
location = "127.0.0.1:1"
[[registry.mirror]]
location = "127.0.0.1:2"
[[registry.mirror]]
location = "${plain.address}"
[[registry]]
prefix = "old.test/place"
location = "${plain.address}/team"
[[registry]]
location = "evil.test"
blocked = true
[aliases]
"short" = "old.test/place/tool"
`);
      const { status, stdout, stderr } = await mirrored.run('pull', 'registry.test/team/tool:1');
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^registry\.test\/team\/tool:1@sha256:/, 'under the name that was asked for');
      assert.match(stderr, /mirror 127\.0\.0\.1:2 is passed over/);
      assert.equal(await pull(mirrored, 'old.test/place/tool:1'), 'pulled');
      assert.equal(await pull(mirrored, 'team/tool:1'), 'pulled');
      assert.equal(await pull(mirrored, 'short:1'), 'pulled');
      assert.match(await pull(mirrored, 'evil.test/x:1'), /registries\.conf blocks evil\.test/);
      assert.deepEqual((await mirrored.run('images', '-q')).stdout.trim().split('\n'), [
        'old.test/place/tool:1',
        'registry.test/team/tool:1',
      ]);
      const broken = withRegistries('[[registry]]\nblocked = 1');
      assert.match(await pull(broken, 'a/b'), /registries\.conf: .*\n +hint: see containers-registries\.conf/);
    });

    test('HTTP and SOCKS proxies, with exceptions', async () => {
      const asked: string[] = [];
      const [host = '', port = ''] = plain.address.split(':');
      const proxy = createProxy((message, response) => {
        asked.push(new URL(message.url ?? '').host);
        const path = new URL(message.url ?? '').pathname;
        const onward = forward({ host, port, path, headers: message.headers }, (reply) => {
          response.writeHead(reply.statusCode ?? 500, reply.headers);
          reply.pipe(response);
        });
        onward.end();
      });
      proxy.on('connect', (message, socket) => {
        asked.push(message.url ?? '');
        const onward = connect(Number(port), host, () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          onward.pipe(socket).pipe(onward);
        });
        for (const end of [onward, socket]) end.on('error', () => undefined);
      });
      const address = await listen(proxy);
      const through = createFace({ http_proxy: `http://${address}` });
      assert.equal((await through.run('pull', '-q', '--plain-http', 'registry.test/team/tool:1')).status, 0);
      assert.deepEqual([...new Set(asked)], ['registry.test']);

      const socks = await startSocksProxy({ target: plain.address });
      const bySocks = createFace({ ALL_PROXY: `socks5h://${socks.address}`, NO_PROXY: 'other.test,10.0.0.0/8' });
      assert.equal((await bySocks.run('pull', '-q', '--plain-http', 'registry.test/team/tool:1')).status, 0);
      assert.deepEqual([...new Set(socks.asked)], ['registry.test:80']);
      const excepted = await bySocks.run('pull', '-q', '--plain-http', 'other.test/team/tool:1');
      assert.match(excepted.stderr, /reach other\.test/);
      assert.deepEqual([...new Set(socks.asked)], ['registry.test:80']);
    });

    test('credentials from a helper and from .netrc', async () => {
      const registry = await startRegistry({ auth: { kind: 'basic', username: 'ann', password: 'sesame' } });
      const name = `${registry.address}/team/tool:1`;
      await pushImage({ layout, tag: '1' }, name, { credentials: 'ann:sesame' });
      const byNetrc = createFace();
      writeIn(byNetrc, '.netrc', 'default login x password y\nmachine 127.0.0.1 login ann password sesame\n');
      assert.equal(await pull(byNetrc, name), 'pulled');

      const bin = join(createFace().home, 'bin');
      const byHelper = createFace({ PATH: `${bin}:${process.env['PATH'] ?? ''}` });
      const helper = join(bin, 'docker-credential-vault');
      mkdirSync(bin);
      writeFileSync(helper, '#!/bin/sh\ncat >"$HOME/asked"; echo \'{"Username":"ann","Secret":"sesame"}\'\n');
      chmodSync(helper, 0o755);
      writeIn(byHelper, '.docker/config.json', JSON.stringify({ credHelpers: { [registry.address]: 'vault' } }));
      assert.equal(await pull(byHelper, name), 'pulled');
      assert.equal(readFileSync(join(byHelper.home, 'asked'), 'utf8'), registry.address);
    });

    test('a limit on the rate is kept', async () => {
      const face = createFace({ SLIPWAY_PULL_RATE: '1' });
      const { status, stderr } = await face.run('pull', '-q', '--limit-rate', 'x', `${plain.address}/team/tool:1`);
      assert.equal(status, 2);
      assert.match(stderr, /--limit-rate: "x"/);
      assert.equal((await face.run('pull', '-q', '--limit-rate', '1G', `${plain.address}/team/tool:1`)).status, 0);
    });
  },
);
