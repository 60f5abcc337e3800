// SPDX-License-Identifier: Apache-2.0
// The keys of udiRoot.conf.

/** Without a value for each of these there is no configuration. */
export const requiredKeys = [
  'udiMount',
  'loopMount',
  'imagePath',
  'udiRootPath',
  'etcPath',
  'modprobePath',
  'insmodPath',
  'cpPath',
  'mvPath',
  'chmodPath',
  'ddPath',
  'rootfsType',
] as const;

/** Paths of programs. */
export const toolKeys = [
  'modprobePath',
  'insmodPath',
  'cpPath',
  'mvPath',
  'chmodPath',
  'ddPath',
  'mkfsXfsPath',
] as const;

/** The last line counts. */
export const scalarKeys: ReadonlySet<string> = new Set([
  ...requiredKeys,
  ...toolKeys,
  'system',
  'gatewayTimeout',
  'defaultImageType',
  'maxGroupCount',
  'mountUdiRootWritable',
  'sitePreMountHook',
  'sitePostMountHook',
  'optUdiImage',
  'allowLocalChroot',
  'allowLibcPwdCalls',
  'populateEtcDynamically',
  'mountPropagationStyle',
  'perNodeCachePath',
  'perNodeCacheSizeLimit',
  'batchType',
  'defaultModules',
  'nodeContextPrefix',
  'autoLoadKernelModule',
  'kmodBasePath',
  'kmodCacheFile',
  'optionalSshdAsRoot',
]);

/** All lines count, in their order. */
export const listKeys: ReadonlySet<string> = new Set([
  'imageGateway',
  'siteFs',
  'siteEnv',
  'siteEnvAppend',
  'siteEnvPrepend',
  'siteEnvUnset',
  'usersToImport',
  'perNodeCacheAllowedFsType',
]);

/** Keys that are accepted and do nothing, with what an administrator should know. */
export const deferredKeys: ReadonlyMap<string, string> = new Map([
  ['autoLoadKernelModule', 'kernel modules are the site’s to load: loop, squashfs, overlay, fuse'],
  ['kmodBasePath', 'kernel modules are the site’s to load'],
  ['kmodCacheFile', 'kernel modules are the site’s to load'],
  ['optionalSshdAsRoot', 'nothing of a container runs as root'],
  ['nodeContextPrefix', 'it does nothing'],
]);
