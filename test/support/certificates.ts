// SPDX-License-Identifier: Apache-2.0
// Throw-away certificates, made by openssl (`needs({ commands: ['openssl'] })`).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { temporaryDirectory } from './temporary.ts';

export type Certificate = {
  readonly keyPath: string;
  readonly certificatePath: string;
  readonly key: string;
  readonly cert: string;
};

/** A self-signed P-256 certificate, its own authority, for these names: this machine's unless given. */
export async function makeCertificate(
  names: readonly string[] = ['IP:127.0.0.1', 'DNS:localhost'],
): Promise<Certificate> {
  const directory = temporaryDirectory();
  const keyPath = join(directory, 'key.pem');
  const certificatePath = join(directory, 'cert.pem');
  const request = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const subject = ['-subj', '/CN=slipway test', '-addext', `subjectAltName=${names.join(',')}`, '-days', '2'];
  await runOk([...request, '-keyout', keyPath, '-out', certificatePath, ...subject]);
  return { keyPath, certificatePath, key: readFileSync(keyPath, 'utf8'), cert: readFileSync(certificatePath, 'utf8') };
}
