// SPDX-License-Identifier: Apache-2.0
// The Container Device Interface's nouns (CNCF specification, versions 0.3 to 1.x): how a vendor says what a container
// needs for a device.
import type { HookStage } from '../../model/index.ts';

export type CdiDeviceNode = {
  /** In the container. */
  readonly path: string;
  /** On this machine; the same path where the specification is silent. */
  readonly hostPath: string;
};

export type CdiMount = {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options: readonly string[];
  readonly type: string;
};

export type CdiHook = {
  readonly hookName: HookStage;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeoutSeconds?: number;
};

/** What is changed in a container that is given a device. */
export type CdiEdits = {
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
};

export type CdiDevice = {
  readonly name: string;
  readonly edits: CdiEdits;
  /** Of the specification's file, from 1. */
  readonly line: number;
};

export type CdiSpec = {
  readonly path: string;
  /** `vendor/class`. */
  readonly kind: string;
  /** For every container that gets any of the devices, once. */
  readonly edits: CdiEdits;
  readonly devices: readonly CdiDevice[];
};
