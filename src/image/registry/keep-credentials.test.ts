// SPDX-License-Identifier: Apache-2.0
// What is kept is found again, by us and by others who read the same files; what was there stays.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { type CredentialKeeping, dropAllCredentials, dropCredentials, keepCredentials } from './keep-credentials.ts';
import { createCredentialLookup } from './credentials.ts';

const signal = new AbortController().signal;
const me = { kind: 'password', username: 'me', password: 'pä:ss"word' } as const;
let home = '';
let keeping: CredentialKeeping = { environment: {}, home };
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'slipway-login-'));
  keeping = { environment: { PATH: `${home}/bin:/usr/bin:/bin`, HELPED: home }, home };
});
after(() => rmSync(home, { recursive: true }));

function write(path: string, value: unknown): string {
  const full = join(home, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, typeof value === 'string' ? value : JSON.stringify(value));
  return full;
}
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const lookUp = async (registry: string, repository = 'a/b'): Promise<unknown> =>
  await createCredentialLookup(keeping)(registry, repository, signal);

describe('credentials that are kept', () => {
  test('stand in a new file of the owner alone, and are found', async () => {
    const path = join(home, '.config/containers/auth.json');
    assert.equal(await keepCredentials({ registry: 'r.test:5000' }, me, keeping, signal), path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(home, '.config/containers')).mode & 0o777, 0o700);
    assert.deepEqual(await lookUp('r.test:5000'), me);
    assert.equal(await lookUp('r.test'), undefined);
  });

  test('of a namespace are for that alone', async () => {
    await keepCredentials({ registry: 'r.test', namespace: 'team/x' }, me, keeping, signal);
    assert.deepEqual(await lookUp('r.test', 'team/x/app'), me);
    assert.equal(await lookUp('r.test', 'team/y'), undefined);
    assert.deepEqual(await dropCredentials({ registry: 'r.test', namespace: 'team/x' }, keeping, signal), [
      join(home, '.config/containers/auth.json'),
    ]);
  });

  test('replace what a file has, and leave everything else in it as it is', async () => {
    const other = { auth: Buffer.from('you:x').toString('base64'), more: 1 };
    const config = write('.docker/config.json', {
      auths: { 'https://r.test/v1/': { auth: Buffer.from('old:x').toString('base64') }, 'o.test': other },
      detachKeys: 'ctrl-a',
    });
    chmodSync(config, 0o644);
    assert.equal(await keepCredentials({ registry: 'r.test' }, me, keeping, signal), config);
    assert.deepEqual(read(config), {
      auths: { 'o.test': other, 'r.test': { auth: Buffer.from('me:pä:ss"word').toString('base64') } },
      detachKeys: 'ctrl-a',
    });
    assert.equal(statSync(config).mode & 0o777, 0o600);
  });

  test("of the Hub stand under docker's own name for it in docker's file", async () => {
    const config = write('.docker/config.json', { auths: { 'https://index.docker.io/v1/': {} } });
    await keepCredentials({ registry: 'docker.io' }, me, keeping, signal);
    assert.deepEqual(Object.keys((read(config) as { readonly auths: object }).auths), ['https://index.docker.io/v1/']);
    assert.deepEqual(await lookUp('docker.io'), me);
  });

  test('go to $REGISTRY_AUTH_FILE where that is set, which need not be there', async () => {
    const path = join(home, 'own/auth.json');
    keeping = { ...keeping, environment: { REGISTRY_AUTH_FILE: path } };
    assert.equal(await keepCredentials({ registry: 'r.test' }, me, keeping, signal), path);
    assert.deepEqual(await lookUp('r.test'), me);
  });

  test('are not written into a file that can not be read', async () => {
    const config = write('.config/containers/auth.json', '{"auths":');
    await assert.rejects(keepCredentials({ registry: 'r.test' }, me, keeping, signal), {
      code: 'credentials-unreadable',
    });
    assert.equal(readFileSync(config, 'utf8'), '{"auths":');
  });

  test('kept at the same time by several are all there', async () => {
    const registries = Array.from({ length: 8 }, (_, index) => `r${index}.test`);
    await Promise.all(registries.map((registry) => keepCredentials({ registry }, me, keeping, signal)));
    for (const registry of registries) assert.deepEqual(await lookUp(registry), me);
  });
});

describe('a helper', () => {
  // Keeps what it is given in $HELPED/kept, under the name of the server without slashes.
  const script = `#!/bin/sh
input=$(cat)
case $1 in
store) server=$(printf %s "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/'); printf %s "$input" >"$HELPED/kept-$(echo $server | tr / _)" ;;
get) file="$HELPED/kept-$(echo $input | tr / _)"; [ -e "$file" ] && cat "$file" || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm -f "$HELPED/kept-$(echo $input | tr / _)" ;;
esac
`;
  const installHelper = (): void => chmodSync(write('bin/docker-credential-box', script), 0o755);

  test('that docker is set to use keeps the credentials, and no file has them', async () => {
    installHelper();
    const config = write('.docker/config.json', { credsStore: 'box' });
    assert.equal(await keepCredentials({ registry: 'r.test' }, me, keeping, signal), 'docker-credential-box');
    assert.deepEqual(read(config), { credsStore: 'box' });
    assert.deepEqual(await lookUp('r.test'), me);
    assert.deepEqual(await dropCredentials({ registry: 'r.test' }, keeping, signal), ['docker-credential-box']);
    assert.equal(await lookUp('r.test'), undefined);
  });

  test('of registries.conf comes first; a namespace goes into a file all the same', async () => {
    installHelper();
    keeping = { ...keeping, helpers: ['box', 'containers-auth.json'] };
    assert.equal(await keepCredentials({ registry: 'r.test' }, me, keeping, signal), 'docker-credential-box');
    const path = await keepCredentials({ registry: 'r.test', namespace: 'x' }, me, keeping, signal);
    assert.equal(path, join(home, '.config/containers/auth.json'));
  });

  test('that is not there, or fails, is reported', async () => {
    write('.docker/config.json', { credHelpers: { 'r.test': 'none-such' } });
    await assert.rejects(keepCredentials({ registry: 'r.test' }, me, keeping, signal), {
      code: 'credential-helper-failed',
      message: /docker-credential-none-such.*no program/,
    });
  });
});

describe('logging out', () => {
  test('removes every entry that leads to the registry, from all files', async () => {
    const auth = { auth: Buffer.from('a:b').toString('base64') };
    write('.docker/config.json', { auths: { 'https://r.test/v2/': auth, 'o.test': auth } });
    write('.config/containers/auth.json', { auths: { 'r.test': auth, 'r.test/team': auth } });
    const dropped = await dropCredentials({ registry: 'r.test' }, keeping, signal);
    assert.equal(dropped.length, 2);
    assert.deepEqual(await lookUp('o.test'), { kind: 'password', username: 'a', password: 'b' });
    assert.equal(await lookUp('r.test'), undefined);
    assert.notEqual(await lookUp('r.test', 'team/x'), undefined);
    await assert.rejects(dropCredentials({ registry: 'r.test' }, keeping, signal), { code: 'login-unknown' });
    assert.equal((await dropAllCredentials(keeping, signal)).length, 2);
    assert.equal(await lookUp('o.test'), undefined);
  });
});
