// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isExcepted, proxyFor } from './proxies.ts';

const url = (text: string): URL => new URL(text);

describe('proxyFor', () => {
  test('each scheme has its own proxy, and one for all stands in', () => {
    const settings = { http: 'web:3128', https: 'http://secure:3128', all: 'socks5h://socks' };
    assert.equal(proxyFor(url('http://a.example/'), settings)?.href, 'http://web:3128/');
    assert.equal(proxyFor(url('https://a.example/'), settings)?.href, 'http://secure:3128/');
    assert.equal(proxyFor(url('https://a.example/'), { all: settings.all })?.href, 'socks5://socks');
    assert.equal(proxyFor(url('https://a.example/'), { https: '', all: '' }), undefined);
  });

  test('a name and password stay with the proxy', () => {
    const proxy = proxyFor(url('https://a.example/'), { https: 'socks5h://me:a%40b@socks:1081' });
    assert.deepEqual([proxy?.username, proxy?.password, proxy?.host], ['me', 'a%40b', 'socks:1081']);
  });

  test('this machine is reached directly', () => {
    for (const host of ['localhost:5000', '127.0.0.1', '127.3.4.5', '[::1]:80']) {
      assert.equal(proxyFor(url(`http://${host}/`), { all: 'http://proxy' }), undefined, host);
    }
  });

  test('what is no proxy is refused', () => {
    for (const all of ['ftp://proxy', 'http://', 'socks4://proxy']) {
      assert.throws(() => proxyFor(url('http://a.example/'), { all }), /proxy in the environment/, all);
    }
  });
});

const excepted: readonly (readonly [string, string, boolean])[] = [
  ['https://a.example/', 'a.example', true],
  ['https://b.a.example/', 'a.example', true],
  ['https://b.a.example/', '.a.example', true],
  ['https://b.a.example/', '*.a.example', true],
  ['https://ba.example/', 'a.example', false],
  ['https://A.Example/', 'a.EXAMPLE', true],
  ['https://a.example/', 'x y, a.example', true],
  ['https://a.example/', 'a.example:443', true],
  ['https://a.example:8443/', 'a.example:443', false],
  ['http://a.example/', 'a.example:80', true],
  ['https://10.1.2.3/', '10.0.0.0/8', true],
  ['https://11.1.2.3/', '10.0.0.0/8', false],
  ['https://10.1.2.3/', '10.1.2.3', true],
  ['https://10.1.2.3:5000/', '10.1.2.3:5000', true],
  ['https://[fd00::1]/', 'fd00::/8', true],
  ['https://[fd00::1]:5000/', '[fd00::1]:5000', true],
  ['https://[fd00::1]/', '10.0.0.0/8', false],
  ['https://10.1.2.3/', '10.0.0.0/x', false],
  ['https://10.1.2.3/', '10.0.0.0/', false],
  ['https://a.example/', '*', true],
  ['https://a.example/', '., ,', false],
  ['https://a.example/', '', false],
];
test('NO_PROXY', () => {
  for (const [address, none, expected] of excepted)
    assert.equal(isExcepted(url(address), none), expected, `${address} in ${none}`);
});
