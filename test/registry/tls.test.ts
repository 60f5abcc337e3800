// SPDX-License-Identifier: Apache-2.0
// Registries behind TLS and behind proxies.
import assert from 'node:assert/strict';
import { createServer, request as sendRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { type Certificate, makeCertificate } from '../support/certificates.ts';
import { startFakeServer } from '../support/fake-registry.ts';
import { needs } from '../support/needs.ts';
import { serveOneImage, sourceFor } from './source-for.ts';

const signal = new AbortController().signal;

/** A forward proxy that knows the host registry.test, which is `target`; what was asked of it is in `asked`. */
async function startProxy(target: string): Promise<{ readonly address: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const [host = '', port = ''] = target.split(':');
  const proxy = createServer((message, response) => {
    asked.push(`${message.method} ${message.url}`);
    const { pathname } = new URL(message.url ?? '');
    const onward = sendRequest({ host, port, path: pathname, headers: message.headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(response);
    });
    onward.end();
  });
  proxy.on('connect', (message, socket) => {
    asked.push(`CONNECT ${message.url}`);
    if (message.url !== 'registry.test:443') return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { address: `127.0.0.1:${(proxy.address() as { port: number }).port}`, asked };
}

suite('TLS', { skip: needs({ commands: ['openssl'] }) }, () => {
  let certificate: Certificate;
  before(async () => {
    certificate = await makeCertificate(['IP:127.0.0.1', 'DNS:registry.test']);
  });

  test('a certificate of an unknown authority is refused, also on loopback, and nothing is sent', async () => {
    const server = await startFakeServer(serveOneImage, certificate);
    await assert.rejects(sourceFor(`${server.address}/app:1`).resolve(signal), { code: 'registry-untrusted' });
    assert.equal(server.requests.length, 0);
  });

  test('a certificate of a given authority is accepted', async () => {
    const server = await startFakeServer(serveOneImage, certificate);
    await sourceFor(`${server.address}/app:1`, { tlsFor: () => ({ authorities: [certificate.cert] }) }).resolve(signal);
  });

  test('a certificate for another name is refused', async () => {
    const other = await makeCertificate(['DNS:elsewhere.test']);
    const server = await startFakeServer(serveOneImage, other);
    const source = sourceFor(`${server.address}/app:1`, { tlsFor: () => ({ authorities: [other.cert] }) });
    await assert.rejects(source.resolve(signal), { code: 'registry-untrusted', message: /127\.0\.0\.1/ });
    assert.equal(server.requests.length, 0);
  });

  test('any certificate is accepted where that was asked for', async () => {
    const server = await startFakeServer(serveOneImage, certificate);
    await sourceFor(`${server.address}/app:1`, { tlsFor: () => ({ skipsCertificateCheck: true }) }).resolve(signal);
  });

  test('from TLS no redirect leads to plain HTTP', async () => {
    const plain = await startFakeServer(serveOneImage);
    const server = await startFakeServer((request, response) => {
      response.writeHead(307, { location: `http://${plain.address}${request.url}` }).end();
    }, certificate);
    const source = sourceFor(`${server.address}/app:1`, { tlsFor: () => ({ authorities: [certificate.cert] }) });
    await assert.rejects(source.resolve(signal), { code: 'registry-error', message: /which is not secure/ });
    assert.equal(plain.requests.length, 0);
  });

  test('a registry behind a proxy is asked through a tunnel', async () => {
    const server = await startFakeServer(serveOneImage, certificate);
    const proxy = await startProxy(server.address);
    const options = { proxy: { https: proxy.address }, tlsFor: () => ({ authorities: [certificate.cert] }) };
    await sourceFor('registry.test/app:1', options).resolve(signal);
    assert.deepEqual([...new Set(proxy.asked)], ['CONNECT registry.test:443']);
  });
});

test('a proxy that will not open a tunnel is reported', async () => {
  const proxy = await startProxy('127.0.0.1:1');
  const options = { proxy: { https: `http://${proxy.address}` }, limits: { attempts: 1 } };
  await assert.rejects(sourceFor('other.test/app:1', options).resolve(signal), {
    code: 'registry-unreachable',
    message: /403/,
  });
});

test('plain HTTP goes through its proxy; loopback and exceptions do not', async () => {
  const server = await startFakeServer(serveOneImage);
  const proxy = await startProxy(server.address);
  const options = { plainHttp: true, proxy: { http: `http://${proxy.address}` } };
  await sourceFor('registry.test/app:1', options).resolve(signal);
  const asked = proxy.asked.length;
  assert.ok(asked > 0);
  await sourceFor(`${server.address}/app:1`, options).resolve(signal);
  const excepted = sourceFor('registry.test/app:1', {
    ...options,
    proxy: { ...options.proxy, none: '.test' },
    limits: { attempts: 1 },
  });
  await assert.rejects(excepted.resolve(signal), { code: 'registry-unreachable' });
  assert.equal(proxy.asked.length, asked);
});
