// SPDX-License-Identifier: Apache-2.0
// A provider of libfabric in a file of its own (fi_provider(7)): the image keeps its MPI and its libfabric, and gets what
// drives this machine's network.
import { basename, posix } from 'node:path';
import { definesSymbol } from '../../formats/elf/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { machineLibraries } from '../libraries/index.ts';
import { dependenciesOf, type Injection } from './injection.ts';

const directories = [
  '/usr/lib64/libfabric',
  '/usr/lib/x86_64-linux-gnu/libfabric',
  '/usr/lib/aarch64-linux-gnu/libfabric',
  '/usr/lib/libfabric',
  '/usr/local/lib/libfabric',
  '/opt/cray/libfabric/default/lib64/libfabric',
] as const;

/** Device nodes by provider, as regular expressions of paths below /dev. */
const deviceNodes: Readonly<Record<string, readonly RegExp[]>> = {
  verbs: [/^infiniband\/(?:uverbs\d+|rdma_cm)$/],
  efa: [/^infiniband\/uverbs\d+$/],
  cxi: [/^cxi\d+$/],
  gni: [/^kgni0$/, /^kdreg$/, /^xpmem$/],
  gnix: [/^kgni0$/, /^kdreg$/, /^xpmem$/],
  opx: [/^hfi1_\d+$/],
  psm2: [/^hfi1_\d+$/],
  psm3: [/^infiniband\/uverbs\d+$/],
  usnic: [/^infiniband\/uverbs\d+$/],
};

/** What every provider calls when it is loaded. */
const entryPoint = 'fi_prov_ini';

/**
 * Finds a provider by its name (`verbs`: libverbs-fi.so) or by the path of its file.
 * @returns the reason, where there is none
 */
export function findFabricProvider(provider: string, inputs: Inputs): Injection | string {
  const { search, tree } = machineLibraries(inputs);
  const own = (inputs.environment('FI_PROVIDER_PATH') ?? '').split(':').filter((path) => path.startsWith('/'));
  const places = provider.startsWith('/')
    ? [provider]
    : [...own, ...directories].map((directory) => posix.join(directory, `lib${provider}-fi.so`));
  const path = places.find((place) => inputs.kindOf(place) === 'file');
  if (path === undefined)
    return `there is no ${places.length === 1 ? places[0] : `lib${provider}-fi.so in ${[...own, ...directories].join(', ')}`}`;
  const file = tree.openFile(path);
  const isProvider = file !== undefined && definesSymbol(file, entryPoint);
  file?.close();
  if (!isProvider) return `${path} is no provider of libfabric: it does not define ${entryPoint}`;
  const { files, missing } = dependenciesOf([path], {
    search,
    tree,
    directory: '/usr/lib',
    isLeftOut: (name) => name.startsWith('libfabric.so'),
  });
  const name = /^lib(.+)-fi\.so/.exec(basename(path))?.[1] ?? '';
  const patterns = deviceNodes[name] ?? [];
  const nodes = [
    ...(inputs.listDirectory('/dev') ?? []),
    ...(inputs.listDirectory('/dev/infiniband') ?? []).map((node) => `infiniband/${node}`),
  ].filter((node) => patterns.some((pattern) => pattern.test(node)));
  return {
    files: [{ source: path, target: `<FI_PROVIDER_PATH>/${basename(path)}` }, ...files],
    devices: nodes.map((node) => `/dev/${node}`),
    notes: [
      ...missing.map((text) => `no library ${text} was found`),
      ...(patterns.length > 0 && nodes.length === 0 ? [`this machine has no device for ${name}`] : []),
    ],
  };
}
