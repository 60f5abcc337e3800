// SPDX-License-Identifier: Apache-2.0
// What a person or a site asks for, whatever command and words they used. Every source of mounts and variables
// (a default, an option, a module, a hook, a device specification) becomes an Adaptation.
import type { EnvironmentEdit, MountFlags } from './plan.ts';

export type MountRequest =
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly flags: MountFlags;
    }
  | {
      readonly kind: 'tmpfs';
      readonly target: string;
      readonly sizeBytes: number;
      readonly mode: number;
      readonly flags: MountFlags;
    };

/** Mounts and variables with the words that say who asked for them: `slipway explain` and error messages show these. */
export type Adaptation = {
  readonly origin: string;
  readonly mounts: readonly MountRequest[];
  readonly environment: readonly EnvironmentEdit[];
};

/** Where writes to the container's root go. `none`: they fail. */
export type Writable =
  | { readonly kind: 'none' }
  | { readonly kind: 'tmpfs'; readonly sizeBytes: number }
  | { readonly kind: 'directory'; readonly path: string };

/** A program to be run in an image. */
export type RunRequest = {
  /** In the order in which they apply: the site's, then the person's. */
  readonly adaptations: readonly Adaptation[];
  readonly writable: Writable;
  readonly workdir?: string;
  readonly entrypoint?: readonly string[];
  /** Whether words for the program follow on the command line. */
  readonly hasCommand: boolean;
  readonly uid?: number;
  readonly gid?: number;
  /** Bind the person's home directory. */
  readonly home: boolean;
};
