// SPDX-License-Identifier: Apache-2.0
// How a connection to an address is made: directly, through an HTTP proxy (forwarded, or a tunnel for TLS) or through a
// SOCKS proxy; and with which certificates. One pool of connections for each way.
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { HttpFailure } from './http-failure.ts';
import { type ProxySettings, proxyFor } from './proxies.ts';
import { connectThroughSocks } from './socks5.ts';
import { type TlsMaterial, tlsOptions } from './tls-material.ts';

export type DispatcherOptions = {
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  readonly proxy?: ProxySettings;
  readonly tlsFor?: (host: string) => TlsMaterial;
};

export type Dispatchers = {
  /** @throws HttpFailure where the proxy that is set for this address can't be one */
  readonly forUrl: (url: URL) => Dispatcher;
  readonly close: () => Promise<void>;
};

export function createDispatchers(options: DispatcherOptions): Dispatchers {
  const made = new Map<string, Dispatcher>();
  const connect = createConnector(options);
  const keep = (name: string, make: () => Dispatcher): Dispatcher => {
    const found = made.get(name) ?? make();
    made.set(name, found);
    return found;
  };
  return {
    forUrl: (url) => {
      const proxy = findProxy(url, options);
      if (proxy === undefined) return keep('direct', () => new Agent({ ...agentOptions(options), connect }));
      if (proxy.protocol === 'socks5:')
        return keep(
          proxy.href,
          () => new Agent({ ...agentOptions(options), connect: throughSocks(proxy, connect, options) }),
        );
      // Certificates are a matter of the origin, and an agent for a proxy has one set of them.
      return keep(`${proxy.href} ${url.origin}`, () => createProxyAgent(proxy, url, options));
    },
    close: async () => {
      await Promise.all([...made.values()].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

function findProxy(url: URL, { proxy }: DispatcherOptions): URL | undefined {
  try {
    return proxy === undefined ? undefined : proxyFor(url, proxy);
  } catch (error) {
    throw new HttpFailure('protocol', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Connects to hosts, each with its own certificates, which are read when TLS is first spoken with it. */
function createConnector(options: DispatcherOptions): buildConnector.connector {
  const common = { timeout: options.connectTimeoutMs, allowH2: false } as const;
  const connectPlain = buildConnector(common);
  const byHost = new Map<string, buildConnector.connector>();
  return (target, callback) => {
    if (target.protocol !== 'https:') return connectPlain(target, callback);
    const host = target.host ?? target.hostname;
    let connect = byHost.get(host);
    if (connect === undefined) {
      try {
        connect = buildConnector({ ...common, ...tlsOptions(options.tlsFor?.(host) ?? {}) });
      } catch (error) {
        return callback(asError(error), null);
      }
      byHost.set(host, connect);
    }
    return connect(target, callback);
  };
}

function throughSocks(
  proxy: URL,
  connect: buildConnector.connector,
  options: DispatcherOptions,
): buildConnector.connector {
  const open = async (target: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
    const port = Number(target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : target.port);
    let socket;
    try {
      socket = await connectThroughSocks(proxy, { host: target.hostname, port }, options.connectTimeoutMs);
    } catch (error) {
      return callback(asError(error), null);
    }
    if (target.protocol === 'https:') connect({ ...target, httpSocket: socket }, callback);
    else callback(null, socket);
  };
  return (target, callback) => void open(target, callback);
}

function createProxyAgent(proxy: URL, target: URL, options: DispatcherOptions): Dispatcher {
  return new ProxyAgent({
    ...agentOptions(options),
    uri: proxy.href,
    connectTimeout: options.connectTimeoutMs,
    ...(target.protocol === 'https:' ? { requestTls: tlsOptions(options.tlsFor?.(target.host) ?? {}) } : {}),
    ...(proxy.protocol === 'https:' ? { proxyTls: tlsOptions(options.tlsFor?.(proxy.host) ?? {}) } : {}),
  });
}

function agentOptions(options: DispatcherOptions): Agent.Options {
  return {
    connections: options.connectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 10_000,
    headersTimeout: options.answerTimeoutMs,
    bodyTimeout: options.stallTimeoutMs,
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
