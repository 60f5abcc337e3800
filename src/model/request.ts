// SPDX-License-Identifier: Apache-2.0
// What a person or a site asks for, whatever command and words they used. Every source of mounts and variables
// (a default, an option, a module, a hook, a device specification) becomes an Adaptation.
import type { EnvironmentEdit, HookStage, Limit, MountFlags, Namespace, Plan, Step } from './plan.ts';

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
    }
  /** A file made for this container alone; read-only, whatever the flags. */
  | {
      readonly kind: 'file';
      readonly content: string;
      /** How its characters become bytes; UTF-8 unless told. */
      readonly encoding?: 'latin1';
      readonly target: string;
      readonly flags: MountFlags;
    }
  /** The same, of a directory with all that is in it. */
  | {
      readonly kind: 'tree';
      readonly entries: readonly MadeEntry[];
      readonly target: string;
      readonly flags: MountFlags;
    };

/** Something made for a container. `path` is relative to where it is shown; directories come before what is in them. */
export type MadeEntry =
  | { readonly path: string; readonly kind: 'directory' }
  /** Empty unless `content` says otherwise. */
  | { readonly path: string; readonly kind: 'file'; readonly content?: string; readonly isExecutable?: boolean }
  | { readonly path: string; readonly kind: 'link'; readonly target: string };

/** A program that is told of the container at a stage of its life. */
export type HookRequest = {
  readonly stage: HookStage;
  readonly path: string;
  /** argv, its first word included. */
  readonly args: readonly string[];
  /** All of its environment, `NAME=value`. */
  readonly env: readonly string[];
  readonly timeoutSeconds?: number;
  /** At the first two stages: only when the startContainer hooks have been run. */
  readonly isLate?: true;
};

/** Mounts and variables with the words that say who asked for them: `slipway explain` and error messages show these. */
export type Adaptation = {
  readonly origin: string;
  readonly mounts: readonly MountRequest[];
  readonly environment: readonly EnvironmentEdit[];
  /** Run in this order; what no hook has to be run for is among the mounts and variables. */
  readonly hooks?: readonly HookRequest[];
};

/** Where writes to the container's root go. `none`: they fail. */
export type Writable =
  | { readonly kind: 'none' }
  | { readonly kind: 'tmpfs'; readonly sizeBytes: number }
  | { readonly kind: 'directory'; readonly path: string }
  /** Into the image itself: an unpacked directory. */
  | { readonly kind: 'in-place' };

/** With whom a program shares its container. */
export type Joining =
  /** Ranks of one job step on a node; and every program of one squashfs image, whose mount they share. */
  | { readonly kind: 'ranks' }
  | { readonly kind: 'nobody' }
  /** All that run the same plan. */
  | { readonly kind: 'all' }
  /**
   * All that give the same tag, whatever they run. `scope` divides them further, as in a plan's step `hold`, instead of
   * by job step and session; with `peers` a group is complete when so many have come.
   */
  | { readonly kind: 'tag'; readonly tag: string; readonly scope?: readonly string[]; readonly peers?: number }
  | { readonly kind: 'process'; readonly pid: number };

/** What a program is kept from, beyond its container's root. */
export type Isolation = {
  /** Namespaces of its own, beside user and mount. */
  readonly namespaces: readonly Exclude<Namespace, 'user' | 'mount'>[];
  readonly privateTmp: boolean;
  /** Answer calls that only root could make as if they had worked. */
  readonly fakesRoot: boolean;
  /** Capabilities that may be kept, by number; undefined: what the ids give. */
  readonly capabilities?: readonly number[];
  readonly limits: readonly {
    readonly resource: Limit;
    readonly soft: number | 'none';
    readonly hard: number | 'none';
  }[];
  readonly umask?: number;
  /** Of 1 and 2, those whose output is dropped. */
  readonly discards?: readonly number[];
  /** Descriptors that stay open beside 0, 1 and 2; undefined: all. */
  readonly descriptors?: readonly number[];
};

export const noIsolation: Isolation = { namespaces: [], privateTmp: false, fakesRoot: false, limits: [] };

/**
 * What a family of commands does in its own way. A container of such a face shows, sets and changes nothing but what the
 * face's adaptations say: no default mounts, accounts, variables or working directory, and nothing of the image's
 * configuration.
 */
export type FaceConventions = {
  readonly style: Plan['style'];
  readonly statuses: Plan['statuses'];
  /** Of the root's mount, beside what `writable` says. */
  readonly rootFlags: Pick<MountFlags, 'nosuid' | 'nodev' | 'recursive' | 'readOnly'>;
  /** Whether a mount point that the image lacks is made above the image; otherwise a mount on it fails, or is left out. */
  readonly makesMountPoints: boolean;
  /**
   * What stands over the image, in directories that it shares with it: one overlay, in which nothing can be written. Mount
   * points that the image lacks are made in there.
   */
  readonly layer?: readonly MadeEntry[];
  /**
   * Ranks share all that is read, though each writes to memory of its own: with `writable` of kind `tmpfs`, `joining` of kind
   * `ranks`, and a squashfs image.
   */
  readonly sharesImage?: boolean;
  /**
   * Root builds the container for others, mounts it at this path, and ends. The image is mounted by the kernel: it must be
   * known to be sound.
   */
  readonly preparesAt?: string;
  /** How long what ranks share outlives the last of them; the site's word where left out. */
  readonly lingerMs?: number;
  /** In this order. */
  readonly workdirs: readonly Omit<Extract<Step, { readonly step: 'chdir' }>, 'step'>[];
  /** The program's first words; the caller's follow where there are any. */
  readonly words: readonly string[];
};

/** What hooks are told of a container, beside what its plan says. */
export type ContainerIdentity = {
  /** `pidMark` in it stands for the id of the container's process. */
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Variables of the caller's, before the plan's edits: those that are the same for all ranks. */
  readonly environment: Readonly<Record<string, string>>;
};

/** A program to be run in an image. */
export type RunRequest = {
  /** Absent: Slipway's own, which `workdir`, `entrypoint` and `home` refine. */
  readonly conventions?: FaceConventions;
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
  readonly joining: Joining;
  readonly isolation: Isolation;
  readonly identity?: ContainerIdentity;
};
