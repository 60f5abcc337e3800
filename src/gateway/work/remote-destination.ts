// SPDX-License-Identifier: Apache-2.0
// Images on a file system that another machine mounts, by ssh(1). Everything goes through `ssh HOST COMMAND`: unlike scp, that lets
// a transfer which broke off go on where it stopped. The part's name holds the digest of the whole, so a part is never
// continued with another file's bytes, and the digest is checked on the other side before the part becomes the image.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import type { PlatformConfig, RemoteAccess } from '../../site/index.ts';
import { systemClock } from '../../sys/clock.ts';
import { readFileChunks } from '../../sys/file-chunks.ts';
import { statIfPresent } from '../../sys/files.ts';
import { findProgram, systemSearchPath, withChild, writeTo } from '../../sys/process.ts';
import { readFileRange } from '../../sys/file-range.ts';
import { type Destination, type DeliveryProgress, imageFileName } from './destination.ts';

const attempts = 4;
const maxAnswerBytes = 64 * 1024;

export function remoteDestination(platform: PlatformConfig, remote: RemoteAccess): Destination {
  const directory = platform.imageDirectory;
  const fail = (reason: string, cause?: unknown): SlipwayError =>
    new SlipwayError('gateway-delivery-failed', { system: platform.name, reason }, { cause });
  const pathOf = (id: string, suffix: string): string => `${directory}/${imageFileName(id, suffix)}`;

  /** Runs a command of the other side's shell; what it says, or undefined where its status is 1. */
  const ask = async (
    script: string,
    signal: AbortSignal,
    input?: AsyncIterable<Buffer>,
  ): Promise<string | undefined> => {
    const { result: output, end } = await withChild(
      { argv: await sshWords(remote, script), stdout: 'pipe', signal },
      async ({ stdin, stdout }) => {
        const said: Buffer[] = [];
        let length = 0;
        const reading = (async () => {
          for await (const chunk of (stdout ?? []) as AsyncIterable<Buffer>) {
            length += chunk.length;
            if (length <= maxAnswerBytes) said.push(chunk);
          }
        })();
        if (input !== undefined) for await (const chunk of input) await writeTo(stdin, chunk);
        stdin.end();
        await reading;
        return Buffer.concat(said).toString('utf8');
      },
    );
    if (end.status === 0) return output;
    if (end.status === 1 && end.stderrTail === '') return undefined;
    throw fail(`${remote.host}: ${end.stderrTail === '' ? `status ${end.status ?? end.signalName}` : end.stderrTail}`);
  };

  const send = async (path: string, part: string, signal: AbortSignal, onProgress: DeliveryProgress): Promise<void> => {
    const sizeBytes = (await statIfPresent(path))?.size ?? 0;
    const there = Number((await ask(`wc -c < ${quote(part)} 2>/dev/null || echo 0`, signal))?.trim());
    const offset = Number.isSafeInteger(there) && there <= sizeBytes ? there : 0;
    const redirect = offset === 0 ? '>' : '>>';
    let done = offset;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of readFileRange(path, { start: offset, signal })) {
        yield chunk;
        done += chunk.length;
        onProgress(done, sizeBytes);
      }
    };
    await ask(`umask 077 && cat ${redirect} ${quote(part)}`, signal, counted());
  };

  return {
    sizeOf: async (id, format, signal) => {
      const script = `test -f ${quote(pathOf(id, 'meta'))} && grep -q '^# converted by Slipway$' ${quote(pathOf(id, 'meta'))} && test -f ${quote(pathOf(id, format))} && wc -c < ${quote(pathOf(id, format))}`;
      const sizeBytes = Number((await ask(script, signal)) ?? Number.NaN);
      return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
    },
    putMeta: async (id, text, signal) => {
      const path = pathOf(id, 'meta');
      const part = quote(`${path}.partial.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
      const script = `umask 077 && cat > ${part} && chmod 600 ${part} && mv -f ${part} ${quote(path)}`;
      await ask(script, signal, oneChunk(Buffer.from(text)));
    },
    putImage: async ({ id, format, path: from }, { signal, onProgress }) => {
      const path = pathOf(id, format);
      const digest = await digestOf(from, signal);
      const part = `${path}.partial.${digest.slice(0, 32)}`;
      for (let attempt = 1; ; attempt += 1) {
        try {
          await send(from, part, signal, onProgress);
          const sum = await ask(`sha256sum < ${quote(part)}`, signal);
          if (sum?.slice(0, 64) !== digest) {
            await ask(`rm -f ${quote(part)}`, signal);
            throw fail(`${basename(path)} was damaged on its way to ${remote.host}`);
          }
          await ask(
            `chmod 600 ${quote(part)} && mv -f ${quote(part)} ${quote(path)} && sync -f ${quote(directory)}`,
            signal,
          );
          return;
        } catch (error) {
          signal.throwIfAborted();
          if (attempt === attempts) throw error;
          await systemClock.sleep(500 * 4 ** (attempt - 1), signal);
        }
      }
    },
    setReaders: async ({ id, format }, readers, signal) => {
      const mode = readers === 'all' ? '644' : '600';
      await ask(`chmod ${mode} ${quote(pathOf(id, format))} ${quote(pathOf(id, 'meta'))}`, signal);
    },
    remove: async (id, format, signal) => {
      await ask(`rm -f ${quote(pathOf(id, format))} ${quote(pathOf(id, 'meta'))}`, signal);
    },
    importFile: () => {
      throw fail('images of a remote system are imported by importing them on that system');
    },
    sweep: async (signal) => {
      // A day old: none that is being sent, and none that anybody would still go on with.
      await ask(`find ${quote(directory)} -maxdepth 1 -type f -name '*.partial.*' -mmin +1440 -delete`, signal);
    },
  };
}

/** A word of a POSIX shell, whatever is in it. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

async function sshWords(
  { host, username, keyPath, options }: RemoteAccess,
  script: string,
): Promise<[string, ...string[]]> {
  const program = await findProgram('ssh', systemSearchPath);
  if (program === undefined) throw new Error('there is no program ssh (package openssh-client)');
  return [
    program,
    '-o',
    'BatchMode=yes',
    '-o',
    'ServerAliveInterval=15',
    '-o',
    'ConnectTimeout=20',
    ...(keyPath === undefined ? [] : ['-i', keyPath]),
    ...options,
    ...(username === undefined ? [] : ['-l', username]),
    '--',
    host,
    script,
  ];
}

async function* oneChunk(chunk: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(chunk);
}

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readFileChunks(path, { chunkBytes: 1 << 20, signal })) hash.update(chunk);
  return hash.digest('hex');
}
