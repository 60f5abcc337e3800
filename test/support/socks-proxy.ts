// SPDX-License-Identifier: Apache-2.0
// A SOCKS5 proxy (RFC 1928, RFC 1929) beside a test, which leads every name to one place.
import { connect, createServer, type Socket } from 'node:net';
import { onEnd } from './on-end.ts';

export type SocksProxy = {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** `NAME:PORT` of each connection that was asked for. */
  readonly asked: readonly string[];
};

/** What happens to a connection: a `target` to lead it to, or a reply code. */
export type SocksRules = {
  readonly target: string;
  readonly login?: { readonly username: string; readonly password: string };
  readonly reply?: number;
};

export async function startSocksProxy(rules: SocksRules): Promise<SocksProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void serve(socket, rules, asked).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, asked };
}

async function serve(socket: Socket, rules: SocksRules, asked: string[]): Promise<void> {
  const read = reader(socket);
  const [, methods = 0] = await read(2);
  const offered = await read(methods);
  const wanted = rules.login === undefined ? 0 : 2;
  socket.write(Buffer.of(5, offered.includes(wanted) ? wanted : 255));
  if (!offered.includes(wanted)) return void socket.end();
  if (rules.login !== undefined) {
    const [, nameLength = 0] = await read(2);
    const name = (await read(nameLength)).toString();
    const password = (await read((await read(1))[0] ?? 0)).toString();
    const isGood = name === rules.login.username && password === rules.login.password;
    socket.write(Buffer.of(1, isGood ? 0 : 1));
    if (!isGood) return void socket.end();
  }
  const [, , , kind] = await read(4);
  const host =
    kind === 3
      ? (await read((await read(1))[0] ?? 0)).toString()
      : kind === 1
        ? [...(await read(4))].join('.')
        : (await read(16)).toString('hex');
  const port = (await read(2)).readUInt16BE(0);
  asked.push(`${host}:${port}`);
  const reply = rules.reply ?? 0;
  if (reply !== 0) return void socket.end(Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
  const [targetHost = '', targetPort = ''] = rules.target.split(':');
  const onward = connect(Number(targetPort), targetHost, () => {
    // The address bound, as a name, which a client has to skip.
    socket.write(Buffer.concat([Buffer.of(5, 0, 0, 3, 4), Buffer.from('here'), Buffer.of(0, 80)]));
    onward.pipe(socket).pipe(onward);
  });
  onward.on('error', () => socket.destroy());
}

/** Reads exactly so many bytes. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  return async (length) => {
    if (length === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = socket.read(length) as Buffer | null;
      if (bytes !== null) return bytes;
      if (socket.destroyed || socket.readableEnded) throw new Error('the client has gone');
      await new Promise<void>((resolve) => {
        for (const event of ['readable', 'close', 'end']) socket.once(event, () => resolve());
      });
    }
  };
}
