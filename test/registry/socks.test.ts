// SPDX-License-Identifier: Apache-2.0
// Registries behind a SOCKS5 proxy, which alone knows their names.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RegistrySource } from '../../src/image/registry/index.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startFakeServer } from '../support/fake-registry.ts';
import { needs } from '../support/needs.ts';
import { startSocksProxy } from '../support/socks-proxy.ts';
import { serveOneImage, sourceFor } from './source-for.ts';

const signal = new AbortController().signal;

/** Failures are what is looked for here: none is tried again. */
const once = { limits: { attempts: 1 } };

suite('a SOCKS proxy', () => {
  test('leads to a registry with TLS', { skip: needs({ commands: ['openssl'] }) }, async () => {
    const certificate = await makeCertificate(['DNS:registry.test']);
    const server = await startFakeServer(serveOneImage, certificate);
    const proxy = await startSocksProxy({ target: server.address });
    await sourceFor('registry.test/app:1', {
      ...once,
      proxy: { all: `socks5h://${proxy.address}` },
      tlsFor: (host) => (host === 'registry.test' ? { authorities: [certificate.cert] } : {}),
    }).resolve(signal);
    assert.deepEqual([...new Set(proxy.asked)], ['registry.test:443']);
  });

  test('leads to one without, and is told a name and password where it wants them', async () => {
    const server = await startFakeServer(serveOneImage);
    const login = { username: 'me', password: 's e:c@ret' };
    const proxy = await startSocksProxy({ target: server.address, login });
    const userInfo = `me:${encodeURIComponent(login.password)}`;
    const open = (who: string): RegistrySource =>
      sourceFor('registry.test:5000/app:1', {
        ...once,
        plainHttp: true,
        proxy: { http: `socks5://${who}${proxy.address}` },
      });
    await open(`${userInfo}@`).resolve(signal);
    assert.deepEqual([...new Set(proxy.asked)], ['registry.test:5000']);
    await assert.rejects(open('me:wrong@').resolve(signal), {
      code: 'registry-unreachable',
      message: /refuses the name and password/,
    });
    await assert.rejects(open('').resolve(signal), { code: 'registry-unreachable', message: /wants a name/ });
  });

  test('that gives no connection is reported with its reason, addresses go to it as they are', async () => {
    const proxy = await startSocksProxy({ target: '127.0.0.1:1', reply: 2 });
    const options = { ...once, plainHttp: true, proxy: { all: `socks5://${proxy.address}` } };
    for (const host of ['192.0.2.1:5000', '[2001:db8::5]:5000']) {
      await assert.rejects(sourceFor(`${host}/app:1`, options).resolve(signal), {
        code: 'registry-unreachable',
        message: /its rules do not allow it/,
      });
    }
    assert.deepEqual(proxy.asked, ['192.0.2.1:5000', '20010db8000000000000000000000005:5000']);
  });

  test('that is none is reported', async () => {
    const server = await startFakeServer(serveOneImage);
    const options = { ...once, plainHttp: true, proxy: { all: `socks5://${server.address}` } };
    await assert.rejects(sourceFor('registry.test/app:1', options).resolve(signal), {
      code: 'registry-unreachable',
      message: /SOCKS/,
    });
  });
});
