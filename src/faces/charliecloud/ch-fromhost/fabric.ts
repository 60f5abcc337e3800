// SPDX-License-Identifier: Apache-2.0
// libfabric: a provider of the host beside the image's own library, or a library of the host in its place.
import { createLibrarySearch, type LibraryTree, machineLibraries, resolveLibraries } from '../../../host/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { resolveInside } from '../../../sys/tree-edit.ts';
import type { CommandContext } from '../command.ts';

/** The image's files as its dynamic loader sees them. */
export function imageLibraries(root: string, context: CommandContext): ReturnType<typeof createLibrarySearch> {
  const { environment } = context;
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const within = <T>(path: string, look: (path: string) => T | undefined): T | undefined => {
    const found = resolveInside(root, path);
    return found === undefined ? undefined : look(found);
  };
  const tree: LibraryTree = {
    openFile: (path) => within(path, (found) => inputs.openRegularFile(found)),
    listDirectory: (path) => within(path, (found) => inputs.listDirectory(found)),
    realPath: (path) => within(path, (found) => found.slice(root.length)),
  };
  return createLibrarySearch(tree);
}

/** Where the image has its libfabric. @throws SlipwayError `charliecloud-fromhost` */
export function fabricDirectory(root: string, context: CommandContext): string {
  const found = imageLibraries(root, context)
    .cached()
    .find(({ name }) => name.startsWith('libfabric.so'));
  if (found === undefined) {
    throw new SlipwayError('charliecloud-fromhost', { reason: "can't find libfabric.so in image" });
  }
  return found.path.slice(0, found.path.lastIndexOf('/'));
}

/** What a library of this machine needs of it, by path. */
export function hostDependencies(path: string, context: CommandContext): readonly string[] {
  const { environment } = context;
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const libraryPath = environment.variables['LD_LIBRARY_PATH'];
  const { search } = machineLibraries(inputs, libraryPath === undefined ? {} : { libraryPath });
  return resolveLibraries(search, [path])
    .libraries.slice(1)
    .map((library) => library.path);
}
