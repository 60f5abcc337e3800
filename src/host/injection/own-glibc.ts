// SPDX-License-Identifier: Apache-2.0
import type { Inputs } from '../../sys/inputs.ts';
import { machineLibraries } from '../libraries/index.ts';

/** The libraries of glibc that must be of one version, by their sonames on x86-64 and arm64. */
const names = [
  'libc.so.6',
  'libm.so.6',
  'libpthread.so.0',
  'libdl.so.2',
  'librt.so.1',
  'libresolv.so.2',
  'libutil.so.1',
  'libanl.so.1',
  'libnss_files.so.2',
  'libnss_dns.so.2',
  'libnss_compat.so.2',
  'libthread_db.so.1',
  'libBrokenLocale.so.1',
] as const;

/** This machine's C library, the loader first; empty where it has none of glibc. */
export function findGlibc(inputs: Inputs): readonly string[] {
  const { search } = machineLibraries(inputs);
  const loader = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'].find(
    (path) => search.read(path) !== undefined,
  );
  const target = loader === undefined ? undefined : search.read(loader);
  if (loader === undefined || target === undefined) return [];
  const libraries = names.flatMap((name) => search.find(name, target)?.path ?? []);
  return [loader, ...libraries];
}
