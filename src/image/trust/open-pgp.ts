// SPDX-License-Identifier: Apache-2.0
// OpenPGP signatures, checked by gpgv(1): it trusts exactly the keys that it is given, starts nothing else and asks
// nobody. A signature of "simple signing" is a signed message that holds its payload.
import { join } from 'node:path';
import { readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { findProgram } from '../../sys/process.ts';
import { runProgram } from '../../sys/run-program.ts';
import { withTemporaryDirectory } from '../../sys/temporary-directory.ts';
import { maxPayloadBytes } from './simple-signing.ts';

export type OpenPgpSignature = {
  /** Of the primary key. */
  readonly fingerprint: string;
  readonly payload: Buffer;
};

export const maxSignatureBytes: number = 256 * 1024;
const timeoutMs = 30_000;

/** The path of gpgv, or undefined. */
export async function findGpgv(searchPath: string): Promise<string | undefined> {
  return await findProgram('gpgv', searchPath);
}

/**
 * What a message says that one of the keys has signed; undefined where it is no such message, or not by one of them, or
 * by one that has expired or was revoked.
 * @param keyrings binary or ASCII-armoured
 */
export async function openSignedMessage(
  message: Uint8Array,
  keyrings: readonly Uint8Array[],
  options: { readonly gpgv: string; readonly signal: AbortSignal },
): Promise<OpenPgpSignature | undefined> {
  if (message.length > maxSignatureBytes) return undefined;
  return await withTemporaryDirectory(async (directory) => {
    const [keyring, signed, payload] = ['keyring.gpg', 'message', 'payload'].map((name) => join(directory, name));
    if (keyring === undefined || signed === undefined || payload === undefined) throw new Error('three names');
    await writeFileAtomic(keyring, Buffer.concat(keyrings.map(withoutArmour)), { mode: 0o600 });
    await writeFileAtomic(signed, message, { mode: 0o600 });
    const { exitStatus, output } = await runProgram({
      argv: [
        options.gpgv,
        '--homedir',
        directory,
        '--keyring',
        keyring,
        '--status-fd',
        '1',
        '--output',
        payload,
        signed,
      ],
      environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: directory },
      maxOutputBytes: 64 * 1024,
      timeoutMs,
      signal: options.signal,
    });
    const fingerprint = exitStatus === 0 ? readStatus(output.toString('utf8')) : undefined;
    if (fingerprint === undefined) return undefined;
    const bytes = await readFileIfPresent(payload, { maxBytes: maxPayloadBytes });
    return bytes === undefined ? undefined : { fingerprint, payload: bytes };
  });
}

/** The primary key's fingerprint where gpgv's report (doc/DETAILS of GnuPG) is of one text with one good signature. */
export function readStatus(report: string): string | undefined {
  const lines = report
    .split('\n')
    .filter((line) => line.startsWith('[GNUPG:] '))
    .map((line) => line.slice('[GNUPG:] '.length).split(' '));
  const count = (keyword: string): number => lines.filter(([word]) => word === keyword).length;
  // A key that has expired or was revoked is told by EXPKEYSIG or REVKEYSIG in the place of GOODSIG.
  if (count('NEWSIG') !== 1 || count('GOODSIG') !== 1 || count('VALIDSIG') !== 1 || count('PLAINTEXT') !== 1)
    return undefined;
  if (
    ['BADSIG', 'ERRSIG', 'EXPSIG', 'EXPKEYSIG', 'REVKEYSIG', 'NODATA', 'FAILURE', 'ERROR'].some(
      (word) => count(word) > 0,
    )
  ) {
    return undefined;
  }
  const valid = lines.find(([word]) => word === 'VALIDSIG');
  const fingerprint = valid?.[10] ?? valid?.[1] ?? '';
  return /^[0-9A-F]{40,64}$/.test(fingerprint) ? fingerprint : undefined;
}

/** RFC 4880, section 6.2: what is armoured is base64 between two lines, with headers before and a checksum after it. */
export function withoutArmour(keyring: Uint8Array): Buffer {
  const bytes = Buffer.from(keyring);
  const text = bytes.toString('latin1');
  const blocks = [
    ...text.matchAll(/-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/g),
  ];
  if (blocks.length === 0) return bytes;
  return Buffer.concat(
    blocks.map(([, block = '']) => {
      const body = block.replace(/^(?:[^\r\n]*:[^\r\n]*\r?\n)*\r?\n/, '').replace(/\r?\n=[A-Za-z0-9+/]{4}\s*$/, '');
      return Buffer.from(body, 'base64');
    }),
  );
}
