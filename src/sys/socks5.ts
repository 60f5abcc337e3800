// SPDX-License-Identifier: Apache-2.0
// A connection through a SOCKS5 proxy (RFC 1928), with a name and password where the proxy wants them (RFC 1929). Names
// go to the proxy as they are: it resolves them, which is what a closed network needs.
import { connect, isIP, type Socket } from 'node:net';
import { once } from 'node:events';
import { HttpFailure } from './http-failure.ts';

const version = 5;
const noAuthentication = 0;
const passwordAuthentication = 2;
const connectCommand = 1;
/** RFC 1928, section 6. */
const refusals: readonly string[] = [
  '',
  'it failed',
  'its rules do not allow it',
  'the network can not be reached',
  'the host can not be reached',
  'the connection was refused',
  'the time to live was over',
  'it does not know the command',
  'it does not know this kind of address',
];

/**
 * @param proxy `socks5://[USER[:PASSWORD]@]HOST[:PORT]`, port 1080 unless given
 * @throws HttpFailure `unreachable`, `protocol`; an error of the socket
 */
export async function connectThroughSocks(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<Socket> {
  const socket = connect({ host: bare(proxy.hostname), port: proxy.port === '' ? 1080 : Number(proxy.port) });
  socket.setNoDelay(true);
  const deadline = AbortSignal.timeout(timeoutMs);
  const onLate = (): void => {
    socket.destroy(new HttpFailure('unreachable', `the SOCKS proxy gave no connection within ${timeoutMs / 1000} s`));
  };
  deadline.addEventListener('abort', onLate, { once: true });
  try {
    await once(socket, 'connect');
    await greet(socket, proxy);
    await ask(socket, target);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    deadline.removeEventListener('abort', onLate);
  }
}

async function greet(socket: Socket, proxy: URL): Promise<void> {
  const hasName = proxy.username !== '';
  socket.write(
    Buffer.from(hasName ? [version, 2, noAuthentication, passwordAuthentication] : [version, 1, noAuthentication]),
  );
  const [spoken, method] = await take(socket, 2);
  if (spoken !== version) throw new HttpFailure('protocol', 'the proxy does not speak SOCKS5');
  if (method === noAuthentication) return;
  if (method !== passwordAuthentication || !hasName) {
    throw new HttpFailure('unreachable', 'the SOCKS proxy wants a name and password that it was not given');
  }
  const [name, password] = [proxy.username, proxy.password].map((text) => Buffer.from(decodeURIComponent(text)));
  if (name === undefined || password === undefined || name.length > 255 || password.length > 255) {
    throw new HttpFailure('unreachable', 'the name or password for the SOCKS proxy is too long');
  }
  socket.write(Buffer.concat([Buffer.of(1, name.length), name, Buffer.of(password.length), password]));
  if ((await take(socket, 2))[1] !== 0) {
    throw new HttpFailure('unreachable', 'the SOCKS proxy refuses the name and password');
  }
}

async function ask(socket: Socket, target: { readonly host: string; readonly port: number }): Promise<void> {
  const port = Buffer.alloc(2);
  port.writeUInt16BE(target.port);
  socket.write(Buffer.concat([Buffer.of(version, connectCommand, 0), encodeAddress(bare(target.host)), port]));
  const [, reply = 1, , kind] = await take(socket, 4);
  if (reply !== 0) {
    throw new HttpFailure('unreachable', `the SOCKS proxy gave no connection: ${refusals[reply] ?? `reply ${reply}`}`);
  }
  // The address it connects from, of which nothing is wanted but its end.
  if (kind === 1) await take(socket, 4 + 2);
  else if (kind === 4) await take(socket, 16 + 2);
  else if (kind === 3) await take(socket, ((await take(socket, 1))[0] ?? 0) + 2);
  else throw new HttpFailure('protocol', 'the SOCKS proxy answers with an unknown kind of address');
}

function encodeAddress(host: string): Buffer {
  switch (isIP(host)) {
    case 4:
      return Buffer.of(1, ...host.split('.').map(Number));
    case 6:
      return Buffer.concat([Buffer.of(4), ipv6Bytes(host)]);
    default: {
      const name = Buffer.from(host);
      if (name.length > 255) throw new HttpFailure('unknown-host', 'the name of the host is too long');
      return Buffer.concat([Buffer.of(3, name.length), name]);
    }
  }
}

/** `host` is an IPv6 address as URLs write it: never with an embedded IPv4 address. */
function ipv6Bytes(host: string): Buffer {
  const [head = '', tail] = host.split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Exactly `length` bytes; what follows stays in the socket. */
async function take(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes !== null && bytes.length === length) return bytes;
    if (socket.errored !== null) throw socket.errored;
    if (socket.readableEnded || socket.destroyed) {
      throw new HttpFailure('interrupted', 'the SOCKS proxy closed the connection');
    }
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
