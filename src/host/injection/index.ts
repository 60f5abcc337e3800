// SPDX-License-Identifier: Apache-2.0
// What of this machine a container needs for a part of it to work inside: found, not configured.
export { type Injection } from './injection.ts';
export { findFabricProvider } from './libfabric.ts';
export { findGlibc } from './own-glibc.ts';
export { findMpiLibraries } from './own-mpi.ts';
export { findSlurm } from './slurm.ts';
