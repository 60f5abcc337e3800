// SPDX-License-Identifier: Apache-2.0
// Certificates for single registries (containers-certs.d(5)): in a directory named for the registry, `*.crt` are
// authorities to trust, and a `*.cert` with the `*.key` of its name is what to show to the registry.
import { join } from 'node:path';
import { hasCode, SlipwayError } from '../../model/index.ts';
import { listDirectoryIfPresentSync, readFileIfPresentSync } from '../../sys/files.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';

const maxFileBytes = 1 << 20;
const hostName = /^[A-Za-z0-9_.:[\]-]+$/;

/**
 * The certificates for a host (`name[:port]`; port 443 may be said or not), from the first directory that there is.
 * One that this user may not read is passed over.
 * @throws SlipwayError `certificates-unreadable`
 */
export function findCertificates(host: string, directories: readonly string[]): TlsMaterial {
  if (!hostName.test(host) || host.startsWith('.')) return {};
  const names = /:\d+$/.test(host) ? [host] : [host, `${host}:443`];
  for (const directory of directories) {
    for (const name of names) {
      const path = join(directory, name);
      const files = unlessDenied(() => listDirectoryIfPresentSync(path));
      if (files !== undefined) return readCertificates(host, path, files);
    }
  }
  return {};
}

function readCertificates(registry: string, directory: string, files: readonly string[]): TlsMaterial {
  const fail = (reason: string): SlipwayError =>
    new SlipwayError('certificates-unreadable', { registry, path: directory, reason });
  const read = (name: string): string => {
    const text = unlessDenied(() => readFileIfPresentSync(join(directory, name), { maxBytes: maxFileBytes }));
    if (text === undefined) throw fail(`${name} can not be read`);
    return text.toString('utf8');
  };
  const identities = files
    .filter((name) => name.endsWith('.cert'))
    .map((certificate) => {
      const key = certificate.replace(/cert$/, 'key');
      if (!files.includes(key)) throw fail(`there is ${certificate} but no ${key}`);
      return { certificate: read(certificate), key: read(key) };
    });
  const lonelyKey = files.find((name) => name.endsWith('.key') && !files.includes(name.replace(/key$/, 'cert')));
  if (lonelyKey !== undefined) throw fail(`there is ${lonelyKey} but no certificate for it`);
  const [identity, another] = identities;
  if (another !== undefined) throw fail('there are several *.cert, of which one can be shown');
  const authorities = files.filter((name) => name.endsWith('.crt')).map(read);
  for (const text of authorities) if (!text.includes('-----BEGIN')) throw fail('a *.crt is not PEM');
  return { authorities, ...(identity === undefined ? {} : { identity }) };
}

function unlessDenied<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'permission-denied')) return undefined;
    throw error;
  }
}
