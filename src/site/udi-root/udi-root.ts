// SPDX-License-Identifier: Apache-2.0
// What udiRoot.conf says: Shifter's configuration of a node, as values.
import type { VolumeMap } from './volume-map.ts';

/** `NAME=VALUE` edits of a container's environment, and names to unset. Applied in the order of the members. */
export type SiteEnvironment = {
  readonly set: readonly string[];
  readonly append: readonly string[];
  readonly prepend: readonly string[];
  readonly unset: readonly string[];
};

export type ShifterModule = {
  readonly name: string;
  readonly environment: SiteEnvironment;
  readonly siteFs: readonly VolumeMap[];
  /** Shown at /opt/udiImage/modules/NAME. */
  readonly copyPath?: string;
  readonly conflicts: readonly string[];
  readonly isEnabled: boolean;
  /** Run by root while a job's container is prepared. */
  readonly rootHook?: string;
  /** Run by the user in the container, before the program. */
  readonly userHook?: string;
};

export type UdiRoot = {
  readonly system: string;
  /** URLs without a slash at the end. */
  readonly imageGateways: readonly string[];
  readonly gatewayTimeoutS?: number;
  readonly defaultImageType: string;
  readonly imagePath: string;
  readonly udiRootPath: string;
  readonly udiMount: string;
  readonly loopMount: string;
  readonly etcPath: string;
  readonly optUdiImage?: string;
  readonly sitePreMountHook?: string;
  readonly sitePostMountHook?: string;
  readonly allowLocalChroot: boolean;
  /** Otherwise users are looked up in `etcPath`/passwd alone. */
  readonly allowLibcPwdCalls: boolean;
  readonly populateEtcDynamically: boolean;
  readonly usersToImport: readonly string[];
  readonly maxGroupCount: number;
  readonly mountUdiRootWritable: boolean;
  readonly mountPropagation: 'private' | 'slave';
  readonly perNodeCachePath?: string;
  readonly perNodeCacheSizeLimitBytes?: number;
  /** Empty: any. */
  readonly perNodeCacheFsTypes: readonly string[];
  readonly siteFs: readonly VolumeMap[];
  readonly environment: SiteEnvironment;
  readonly batchType?: string;
  readonly defaultModules: readonly string[];
  readonly modules: ReadonlyMap<string, ShifterModule>;
  /** Programs that Shifter called; Slipway calls none of them but mkfs.xfs. By their keys. */
  readonly tools: ReadonlyMap<string, string>;
};

/** A configuration and what is to be said about it, with line numbers from 1 (0: of the whole). */
export type UdiRootReading = {
  /** Absent where there is a fault. */
  readonly udiRoot?: UdiRoot;
  /** Each makes the file unusable. */
  readonly faults: readonly Remark[];
  /** Keys that no longer do anything, and the like. */
  readonly notes: readonly Remark[];
};

export type Remark = { readonly line: number; readonly text: string };
