// SPDX-License-Identifier: Apache-2.0
// Which proxy leads to an address: the rules that curl(1) and Go's net/http have in common, as people's shells set the
// variables for both.
import { BlockList, isIP } from 'node:net';

/** As in the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. */
export type ProxySettings = {
  readonly http?: string;
  readonly https?: string;
  /** For both where they say nothing. */
  readonly all?: string;
  readonly none?: string;
};

/** Whether a host, as URLs and registries write it (no port, brackets or not), is this machine itself. */
export function isLoopbackHost(host: string): boolean {
  const name = withoutBrackets(host).toLowerCase();
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/**
 * The proxy to ask for `url`: `http:`, `https:` (spoken to by TLS) or `socks5:` (`socks5h:` means the same: names are
 * always resolved by the proxy). Undefined where it is reached directly, as loopback addresses always are.
 * @throws Error with a plain reason where a variable holds no address of a proxy
 */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const own = url.protocol === 'https:' ? settings.https : settings.http;
  const text = own === undefined || own === '' ? settings.all : own;
  if (text === undefined || text === '') return undefined;
  if (isLoopbackHost(url.hostname) || isExcepted(url, settings.none ?? '')) return undefined;
  // People write `proxy.example:3128` too, as curl and Go let them.
  const proxy = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (proxy === null || proxy.hostname === '') throw new Error('the proxy in the environment is no address');
  if (proxy.protocol === 'socks5h:' || proxy.protocol === 'socks:')
    return new URL(`socks5:${proxy.href.split(':').slice(1).join(':')}`);
  if (['http:', 'https:', 'socks5:'].includes(proxy.protocol)) return proxy;
  throw new Error(`the proxy in the environment is of the kind ${proxy.protocol.slice(0, -1)}, which is not known`);
}

/**
 * NO_PROXY: names separated by commas or blanks. A name means itself and all below it, with or without a leading dot or
 * `*.`; `:PORT` restricts it; an address may be a network (`10.0.0.0/8`); `*` means everything.
 */
export function isExcepted(url: URL, none: string): boolean {
  const host = withoutBrackets(url.hostname).toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return none
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const { name, port: wanted } = splitPort(entry.toLowerCase());
      if (wanted !== undefined && wanted !== port) return false;
      if (isIP(host) !== 0) return isInNetwork(host, name);
      const suffix = name.replace(/^\*?\./, '');
      return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
    });
}

function splitPort(entry: string): { readonly name: string; readonly port?: string } {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry);
  if (bracketed !== null) return withPort(bracketed[1] ?? '', bracketed[2]);
  // More than one colon is an IPv6 address.
  const plain = /^([^:]*):(\d+)$/.exec(entry);
  return plain === null ? { name: entry } : withPort(plain[1] ?? '', plain[2]);
}

function withPort(name: string, port: string | undefined): { readonly name: string; readonly port?: string } {
  return port === undefined ? { name } : { name, port };
}

function isInNetwork(address: string, entry: string): boolean {
  const [network = '', prefix] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (prefix === '' || !Number.isInteger(length) || length < 0 || length > bits) return false;
  const list = new BlockList();
  list.addSubnet(network, length, type);
  return list.check(address, type);
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
