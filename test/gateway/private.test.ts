// SPDX-License-Identifier: Apache-2.0
// Registries that want to know who asks, that can't be trusted, and that break off; users who have access and who have not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { fakeImage, serveImage, startFakeServer } from '../support/fake-registry.ts';
import { realImage } from '../support/images.ts';
import { type Munge, mungeCommands, startMunge } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { startTokenServer } from '../registry/token-server.ts';
import { mungeCredential, startGateway, type TestGateway } from './gateway.ts';

const commands = [...registryCommands, ...mungeCommands, 'htpasswd', 'openssl', 'script', 'unsquashfs'];
const skip = needs({ commands, root: true });
const dockerv2 = { remotetype: 'dockerv2' };

describe('access', { skip }, () => {
  let gateway: TestGateway;
  let otherMunge: Munge;
  let ada: TestUser;
  let bob: TestUser;
  let basic: string;
  let token: string;
  let distrusted: string;
  let breaking: string;
  before(async () => {
    const source = { layout: await realImage('busybox'), tag: 'latest' };
    const basicRegistry = await startRegistry({ auth: { kind: 'basic', username: 'me', password: 'se:cret' } });
    basic = basicRegistry.address;
    await pushImage(source, `${basic}/closed/app:1`, { credentials: 'me:se:cret' });
    const tokens = await startTokenServer({ users: { me: 'token-secret' }, refreshTokens: {} });
    token = (await startRegistry({ auth: tokens.registryAuth })).address;
    await pushImage(source, `${token}/closed/app:1`, { credentials: 'me:token-secret' });
    const tls = await startRegistry({ tls: await makeCertificate() });
    distrusted = tls.address;
    const layer = Buffer.alloc(300_000, 7);
    const broken = fakeImage([layer]);
    const serve = serveImage({ documents: { 1: broken.manifest }, blobs: broken.blobs });
    const server = await startFakeServer((request, response) => {
      // Half of the layer, again and again.
      if (!request.url.includes('/blobs/') || !request.url.includes([...broken.blobs.keys()][1] ?? 'none')) {
        return serve(request, response);
      }
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, layer.length / 2), () => response.destroy());
      return true;
    });
    breaking = server.address;
    const [munge, directory] = [await startMunge(), temporaryDirectory()];
    otherMunge = await startMunge();
    const platform = (socket: string, imageDir: string): object => {
      return { mungeSocketPath: socket, accesstype: 'local', admins: ['root'], local: { imageDir } };
    };
    gateway = await startGateway({
      munge,
      directory,
      config: {
        Platforms: {
          testsys: platform(munge.socket, join(directory, 'images')),
          other: platform(otherMunge.socket, join(directory, 'other')),
        },
      },
      locations: {
        [basic]: dockerv2,
        [token]: dockerv2,
        [distrusted]: { ...dockerv2, url: `https://localhost:${tls.port}` },
        [breaking]: dockerv2,
      },
    });
    ada = await acquireTestUser();
    bob = await acquireTestUser();
  });

  const meta = (id: string): string => readFileSync(join(gateway.imageDirectory, `${id}.meta`), 'utf8');

  test('without credentials the reason reaches the user', async () => {
    const { status, stderr } = await gateway.shifterimg(['pull', 'docker:closed/app:1'], ada);
    assert.equal(status, 1);
    assert.match(stderr, /shifterimg: pull docker:closed\/app:1: .* answered 401/);
  });

  test('login keeps credentials sealed; the image is for those who were named', async () => {
    const env = { ...ada.env, SLIPWAY_UDIROOT_CONF: gateway.udiRootPath, SLIPWAY_MUNGE_SOCKET: gateway.munge.socket };
    const said = await typeLogin(ada.command([`${ada.prefix}/bin/shifterimg`, 'login']), env, ['me', 'se:cret']);
    assert.deepEqual([said.status, /cret/.test(said.text)], [0, false], said.text);
    const wrong = await typeLogin(ada.command([`${ada.prefix}/bin/shifterimg`, 'login', basic]), env, ['me', 'no']);
    assert.match(wrong.text, /log in to .*: the registry does not accept this user and password/);
    assert.equal(wrong.status, 1);
    const kept = join(ada.home, '.udiRoot/.cred');
    assert.equal(statSync(kept).mode & 0o777, 0o600);
    assert.match(readFileSync(kept, 'utf8'), /^testsys:default=MUNGE:/);
    assert.doesNotMatch(readFileSync(kept, 'utf8'), /cret/);

    // The default location by its own name: the default credentials are for it.
    const named = await gateway.shifterimg(['--user', String(ada.uid), 'pull', `docker:${basic}/closed/app:1`], ada);
    assert.deepEqual([named.status, named.stderr], [0, '']);
    assert.match((await gateway.shifterimg(['pull', `docker:${token}/closed/other:1`], ada)).stderr, /answered 401/);
  });

  test('a private image by basic authentication: for whom the list names, and nobody else', async () => {
    const payload = JSON.stringify({ authorized_locations: { [basic]: 'me:se:cret' } });
    const path = `/api/pull/testsys/docker/${encodeURIComponent(`${basic}/closed/app:1`)}/`;
    const digest = await digestOf(basic, 'me:se:cret');
    const byDigest = path.replace('%3A1/', `%40${encodeURIComponent(digest)}/`);
    const body = JSON.stringify({ allowed_uids: String(ada.uid) });
    for (let tries = 0; tries < 2400; tries += 1) {
      const authentication = await mungeCredential(gateway.munge, payload, ada);
      const { text } = await gateway.fetch(byDigest, { method: 'POST', authentication, body });
      if (!/INIT|PENDING|PULLING|CONVERSION|TRANSFER/.test(text)) {
        assert.match(text, /"status":"READY"/);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const id = digest.replace('sha256:', '');
    assert.match(meta(id), new RegExp(`^USERACL: ${ada.uid}$`, 'm'));
    const name = `docker:${basic}/closed/app@${digest}`;
    assert.equal((await gateway.shifterimg(['lookup', name], ada)).stdout, `${id}\n`);
    assert.deepEqual(await gateway.shifterimg(['lookup', name], bob), {
      status: 1,
      signal: null,
      stdout: '',
      stderr: '',
    });
    assert.equal((await gateway.shifterimg(['images'], bob)).stdout, '');
    const asked = await gateway.fetch(byDigest, { method: 'POST', user: bob });
    assert.equal(asked.status, 404);
  });

  test('a private image by token authentication', async () => {
    const payload = JSON.stringify({ authorized_locations: { [token]: 'me:token-secret' } });
    const path = `/api/pull/testsys/docker/${encodeURIComponent(`${token}/closed/app:1`)}/`;
    let text = '';
    for (let tries = 0; tries < 2400 && !/READY|FAILURE/.test(text); tries += 1) {
      const authentication = await mungeCredential(gateway.munge, payload, ada);
      ({ text } = await gateway.fetch(path, { method: 'POST', authentication }));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.match(text, /"status":"READY"/);
    assert.match(text, /without an access list: open to all/);
  });

  test('a wrong certificate authority, and a registry that breaks off, are told', async () => {
    const untrusted = await gateway.shifterimg(['pull', `docker:${distrusted}/x:1`], ada);
    assert.equal(untrusted.status, 1);
    assert.match(untrusted.stderr, /certificate is not trusted/);
    const broken = await gateway.shifterimg(['pull', `docker:${breaking}/app:1`], ada);
    assert.equal(broken.status, 1);
    assert.match(broken.stderr, /download sha256:.*after \d+ of 300000 bytes/);
    const left = readdirSync(gateway.imageDirectory).filter((name) => name.includes('partial'));
    assert.deepEqual(left, []);
  });

  test('a credential is good once, and for its own munged only', async () => {
    const credential = await mungeCredential(gateway.munge, '', ada);
    assert.equal((await gateway.fetch('/api/list/testsys/', { authentication: credential })).status, 200);
    const again = await gateway.fetch('/api/list/testsys/', { authentication: credential });
    assert.equal(again.status, 404);
    assert.match(again.text, /munge: .*[Rr]eplayed/);
    assert.match(
      (await gateway.fetch('/api/list/testsys/', { authentication: 'MUNGE:AwQFAAA=:' })).text,
      /"reason":"munge: /,
    );
    assert.equal((await gateway.fetch('/api/list/testsys/', { authentication: '' })).status, 404);
  });

  test('each system believes its own munged; an expired credential is refused', async () => {
    const list = async (system: string, munge: Munge): Promise<string> => {
      const authentication = await mungeCredential(munge, '', ada);
      const { status, text } = await gateway.fetch(`/api/list/${system}/`, { authentication });
      return `${status} ${text}`;
    };
    assert.match(await list('testsys', gateway.munge), /^200 /);
    assert.match(await list('other', otherMunge), /^200 /);
    assert.match(await list('testsys', otherMunge), /^404 .*"reason":"munge: [Ii]nvalid/);
    assert.match(await list('other', gateway.munge), /^404 .*"reason":"munge: [Ii]nvalid/);
    const shortLived = await ada.runOk(['munge', `--socket=${gateway.munge.socket}`, '--ttl=1', '--no-input']);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const late = await gateway.fetch('/api/list/testsys/', { authentication: shortLived.trim() });
    assert.match(late.text, /"reason":"munge: .*[Ee]xpired/);
  });

  test('nothing secret is in the log', () => {
    const log = JSON.stringify(gateway.log());
    assert.match(log, /job failed/);
    assert.doesNotMatch(log, /se:cret|token-secret|MUNGE:/);
  });
});

/** Types answers at a terminal of its own, each when it is asked for. */
async function typeLogin(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  answers: readonly string[],
): Promise<{ readonly status: number | null; readonly text: string }> {
  const quoted = argv.map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', quoted, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  let asked = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const prompts = text.match(/(?:username|password): /g)?.length ?? 0;
    for (; asked < Math.min(prompts, answers.length); asked += 1) child.stdin.write(`${answers[asked]}\r`);
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, text };
}

async function digestOf(registry: string, credentials: string): Promise<string> {
  const response = await fetch(`http://${registry}/v2/closed/app/manifests/1`, {
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      accept: 'application/vnd.oci.image.manifest.v1+json',
    },
  });
  return response.headers.get('docker-content-digest') ?? '';
}
