// SPDX-License-Identifier: Apache-2.0
// Images from registries, as Charliecloud's commands keep them: directories and tarballs.
import {
  convertImage,
  type ConvertTarget,
  createCredentialLookup,
  createRegistrySource,
  defaultConvertOptions,
} from '../../../image/index.ts';
import { type Emit, parseImageReference, type Platform, type PullEvent } from '../../../model/index.ts';
import { readRegistryAccess } from '../../../site/index.ts';
import { prepareOutput } from '../../../sys/output-file.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { build } from '../../terminal/build.ts';
import { createPullReporter } from '../../terminal/pull-reporter.ts';
import type { CommandContext } from '../command.ts';
import { mountPoints } from '../furnished-tree.ts';
import { addFiles, metadataFiles } from './metadata.ts';

export type PullSettings = {
  readonly platform?: Platform;
  readonly isInsecure?: boolean;
  readonly isQuiet?: boolean;
};

/** What images made for this machine say. */
export const machinePlatform: Platform = {
  os: 'linux',
  architecture: { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }[process.arch as string] ?? process.arch,
};

/**
 * Pulls an image and unpacks it into a directory, or packs it as a tarball. A directory gets mount points and /ch.
 * @throws SlipwayError of registries and of writing; nothing is left behind then.
 */
export async function unpackFromRegistry(
  name: string,
  to: ConvertTarget,
  context: CommandContext,
  settings: PullSettings = {},
): Promise<void> {
  const { environment, signal } = context;
  const { variables, clock } = environment;
  const reference = parseImageReference(name.replaceAll('%', '/').replaceAll('+', ':'));
  const access = await readRegistryAccess({ environment: variables, home: variables['HOME'] ?? '/' });
  const reporter = createPullReporter(environment, settings.isQuiet === true ? 'quiet' : 'people');
  const emit: Emit<PullEvent> = reporter.emit;
  const source = createRegistrySource({
    reference,
    platform: settings.platform ?? machinePlatform,
    emit,
    ...access,
    credentials: createCredentialLookup({
      environment: variables,
      home: variables['HOME'] ?? '/',
      helpers: access.rules.credentialHelpers,
    }),
    ...(settings.isInsecure === true ? { isInsecure: true } : {}),
    userAgent: `slipway/${build.version}`,
    clock,
  });
  const output = prepareOutput(to.path);
  try {
    const isDirectory = to.format === 'directory';
    const request = {
      from: { kind: 'image', source } as const,
      to: isDirectory ? { ...to, path: output.temporaryPath } : to,
      name,
      replaces: true,
      options: { ...defaultConvertOptions, skeleton: 'none' } as const,
      searchPath: systemSearchPath,
      keepsOwners: false,
      keepsSetuid: false,
      emit,
      clock,
      signal,
    };
    await convertImage(request);
    if (!isDirectory) return;
    const { config } = await source.resolve(signal);
    addFiles(output.temporaryPath, {
      directories: mountPoints.directories,
      files: new Map([...mountPoints.files.map((path) => [path, ''] as const), ...metadataFiles(config)]),
    });
    await output.placeDirectory({ replaces: true });
  } finally {
    reporter.close();
    await output.discard();
    await source.close();
  }
}
