// SPDX-License-Identifier: Apache-2.0
// Small real images from Debian's packages, made once a machine.
import { resolve } from 'node:path';
import { runOk } from './command.ts';

/**
 * busybox: 3 MB, one layer. debian-python: Debian 12 with Python 3.11, ENV, WORKDIR and CMD. bullseye-mpich and
 * debian-openmpi: Debian 11 with its MPICH, Debian 12 with its Open MPI, each with the program `ranks` (ranks.c).
 * bullseye-libfabric: Debian 11's libfabric with fi_info, and a cache of libraries.
 * debian-xterm: Debian 12's xterm and a shell.
 * debian-node: Debian 12 with Node and npm. bookworm-science and bullseye-science: more than 40,000 files, minutes to make.
 */
export type RealImage =
  | 'busybox'
  | 'debian-python'
  | 'bullseye-libfabric'
  | 'bullseye-mpich'
  | 'debian-openmpi'
  | 'debian-xterm'
  | 'debian-node'
  | 'bookworm-science'
  | 'bullseye-science';

/**
 * The path of an OCI layout with the tag `latest`; treat it as read-only. The first call on a machine takes a
 * minute at most, the next ones nothing. Needs mmdebstrap and umoci.
 */
export async function realImage(name: RealImage): Promise<string> {
  const script = resolve(import.meta.dirname, '../../scripts/make-image');
  return (await runOk([script, name], { timeoutMs: 1_800_000 })).trim();
}
