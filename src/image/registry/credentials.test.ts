// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { createCredentialLookup } from './credentials.ts';

const signal = new AbortController().signal;

function writeAuth(path: string, username: string, registry = 'r.example'): void {
  mkdirSync(dirname(path), { recursive: true });
  const auth = Buffer.from(`${username}:secret`).toString('base64');
  writeFileSync(path, JSON.stringify({ auths: { [registry]: { auth } } }));
}

/** A home with a helper program of this text in its PATH. */
function homeWithHelper(script: string): { readonly home: string; readonly environment: Record<string, string> } {
  const home = temporaryDirectory();
  const program = join(home, 'docker-credential-test');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), '{"credsStore":"test"}');
  return { home, environment: { PATH: `${home}:/usr/bin:/bin`, MARK: 'from the caller' } };
}

test('credential files are asked in order, and the first that knows the registry answers', async () => {
  const home = temporaryDirectory();
  const environment: Record<string, string> = {};
  const user = async (): Promise<unknown> => {
    const found = await createCredentialLookup({ environment, home })('r.example', 'a', signal);
    return found?.kind === 'password' ? found.username : found;
  };
  assert.equal(await user(), undefined);
  writeAuth(join(home, '.docker/config.json'), 'docker');
  assert.equal(await user(), 'docker');
  environment['DOCKER_CONFIG'] = join(home, 'other');
  assert.equal(await user(), undefined);
  writeAuth(join(home, 'other/config.json'), 'other');
  assert.equal(await user(), 'other');
  writeAuth(join(home, '.config/containers/auth.json'), 'config');
  assert.equal(await user(), 'config');
  environment['XDG_RUNTIME_DIR'] = join(home, 'run');
  writeAuth(join(home, 'run/containers/auth.json'), 'somebody', 'elsewhere.example');
  assert.equal(await user(), 'config');
  writeAuth(join(home, 'run/containers/auth.json'), 'runtime');
  assert.equal(await user(), 'runtime');
  environment['REGISTRY_AUTH_FILE'] = join(home, 'given.json');
  await assert.rejects(user(), { code: 'credentials-unreadable', message: /given\.json: there is no such file/ });
  writeAuth(join(home, 'given.json'), 'somebody', 'elsewhere.example');
  assert.equal(await user(), undefined);
});

test("a helper is asked on its standard input, in the caller's environment", async () => {
  const { home, environment } = homeWithHelper(
    `{ echo "$1 $MARK"; cat; } > "$0.log"; echo '{"Username":"me","Secret":"s"}'`,
  );
  const lookUp = createCredentialLookup({ home, environment });
  assert.deepEqual(await lookUp('r.example:5000', 'a', signal), { kind: 'password', username: 'me', password: 's' });
  assert.equal(readFileSync(join(home, 'docker-credential-test.log'), 'utf8'), 'get from the caller\nr.example:5000');
});

test('a helper that knows nothing is not an error', async () => {
  const { home, environment } = homeWithHelper(`echo 'credentials not found in native keychain'; exit 1`);
  assert.equal(await createCredentialLookup({ home, environment })('docker.io', 'library/a', signal), undefined);
});

const failures: readonly (readonly [string, string, RegExp])[] = [
  ['fails', 'echo no daemon; exit 3', /ended with status 3/],
  ['prints something else', 'echo hello', /no credentials/],
  ['prints without end', 'yes', /printed more than/],
  ['hangs', 'exec sleep 600', /took longer than/],
];
for (const [name, script, pattern] of failures) {
  test(`a helper that ${name} is reported`, async () => {
    const lookUp = createCredentialLookup({
      ...homeWithHelper(script),
      helperTimeoutMs: name === 'hangs' ? 100 : 20_000,
    });
    await assert.rejects(lookUp('r.example', 'a', signal), { code: 'credential-helper-failed', message: pattern });
  });
}

test('a helper that is not installed is reported by name', async () => {
  const home = temporaryDirectory();
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), '{"credHelpers":{"r.example":"absent"}}');
  const lookUp = createCredentialLookup({ home, environment: { PATH: '/usr/bin:/bin' } });
  await assert.rejects(lookUp('r.example', 'a', signal), /no program docker-credential-absent in PATH/);
});

test('waiting for a helper ends with the signal, for its reason', async () => {
  const { home, environment } = homeWithHelper('exec sleep 600');
  const controller = new AbortController();
  const lookUp = createCredentialLookup({ home, environment })('r.example', 'a', controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(lookUp, /^Error: enough$/);
});
