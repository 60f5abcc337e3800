// SPDX-License-Identifier: Apache-2.0
// Images on a file system that another machine mounts, by ssh(1). Everything goes through `ssh HOST COMMAND`: unlike scp, that lets
// a transfer which broke off go on where it stopped. The part's name holds the digest of the whole, so a part is never
// continued with another file's bytes, and the digest is checked on the other side before the part becomes the image.
import { createHash, randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import type { PlatformConfig, RemoteAccess } from '../../site/index.ts';
import { systemClock } from '../../sys/clock.ts';
import { readFileChunks } from '../../sys/file-chunks.ts';
import { statIfPresent } from '../../sys/files.ts';
import { findProgram, systemSearchPath, withChild, writeTo } from '../../sys/process.ts';
import { type Destination, type DeliveryProgress, imageFileName } from './destination.ts';
import { squashfsFault } from './import-check.ts';
import { copyScript, examineScript, pathFault, readExamination } from './remote-import.ts';
import { shellWord } from './shell-word.ts';

const attempts = 4;
const maxAnswerBytes = 64 * 1024;
/** The file may be a trap that never ends, such as a pipe put in its place. */
const longestImportMs = 6 * 3_600_000;

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
    const there = Number((await ask(`wc -c < ${shellWord(part)} 2>/dev/null || echo 0`, signal))?.trim());
    const offset = Number.isSafeInteger(there) && there <= sizeBytes ? there : 0;
    const redirect = offset === 0 ? '>' : '>>';
    let done = offset;
    const rest = offset === 0 ? {} : { range: { startBytes: offset, lengthBytes: sizeBytes - offset } };
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of readFileChunks(path, { chunkBytes: 1 << 20, signal, ...rest })) {
        yield chunk;
        done += chunk.length;
        onProgress(done, sizeBytes);
      }
    };
    await ask(`umask 077 && cat ${redirect} ${shellWord(part)}`, signal, counted());
  };

  /** The words that write what comes in as an image's metadata. */
  const metaScript = (id: string, text: string): string => {
    const path = pathOf(id, 'meta');
    const part = shellWord(`${path}.partial.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
    return `umask 077 && cat > ${part} && chmod 600 ${part} && mv -f ${part} ${shellWord(path)}`;
  };

  const appearScript = (part: string, path: string): string =>
    `chmod 600 ${shellWord(part)} && mv -f ${shellWord(part)} ${shellWord(path)} && sync -f ${shellWord(directory)}`;

  return {
    sizeOf: async (id, format, signal) => {
      const script = `test -f ${shellWord(pathOf(id, 'meta'))} && grep -q '^# converted by Slipway$' ${shellWord(pathOf(id, 'meta'))} && test -f ${shellWord(pathOf(id, format))} && wc -c < ${shellWord(pathOf(id, format))}`;
      const sizeBytes = Number((await ask(script, signal)) ?? Number.NaN);
      return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
    },
    putMeta: async (id, text, signal) => {
      await ask(metaScript(id, text), signal, oneChunk(Buffer.from(text)));
    },
    putImage: async ({ id, format, path: from, meta }, { signal, onProgress }) => {
      const path = pathOf(id, format);
      const digest = await digestOf(from, signal);
      const part = `${path}.partial.${digest.slice(0, 32)}`;
      for (let attempt = 1; ; attempt += 1) {
        try {
          await send(from, part, signal, onProgress);
          const sum = await ask(`sha256sum < ${shellWord(part)}`, signal);
          if (sum?.slice(0, 64) !== digest) {
            await ask(`rm -f ${shellWord(part)}`, signal);
            throw fail(`${basename(path)} was damaged on its way to ${remote.host}`);
          }
          const script = `rm -f ${shellWord(path)} && ${metaScript(id, meta)} && ${appearScript(part, path)}`;
          await ask(script, signal, oneChunk(Buffer.from(meta)));
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
      await ask(`chmod ${mode} ${shellWord(pathOf(id, format))} ${shellWord(pathOf(id, 'meta'))}`, signal);
    },
    remove: async (id, format, signal) => {
      await ask(`rm -f ${shellWord(pathOf(id, format))} ${shellWord(pathOf(id, 'meta'))}`, signal);
    },
    importFile: async ({ path, uid, format }, { signal, onHashed }) => {
      const refuse = (reason: string): SlipwayError => new SlipwayError('gateway-import-refused', { path, reason });
      const misnamed = pathFault(path);
      if (misnamed !== undefined) throw refuse(misnamed);
      const part = `${directory}/import.partial.${randomUUID()}`;
      const limited = AbortSignal.any([signal, AbortSignal.timeout(longestImportMs)]);
      try {
        const said = await ask(copyScript({ path, uid, part }), limited);
        if (said !== '') throw refuse(said?.replace(/^refused /, '').trim() ?? 'it could not be copied');
        const { sizeBytes, superblock, id } = readExamination((await ask(examineScript({ part }), limited)) ?? '');
        const fault = squashfsFault(superblock, sizeBytes);
        if (fault !== undefined) throw refuse(fault);
        await onHashed(id);
        await ask(appearScript(part, pathOf(id, format)), signal);
        return { id, sizeBytes };
      } catch (error) {
        if (!signal.aborted) await ask(`rm -f ${shellWord(part)}`, signal).catch(() => undefined);
        throw error;
      }
    },
    sweep: async (signal) => {
      // A day old: none that is being sent, and none that anybody would still go on with.
      await ask(`find ${shellWord(directory)} -maxdepth 1 -type f -name '*.partial.*' -mmin +1440 -delete`, signal);
    },
  };
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
