// SPDX-License-Identifier: Apache-2.0
// A Plan: what the kernel is to be asked for, in order, and what was read to decide it. A plan is immutable; its
// encoding for the launcher is src/plan/encode.ts, its words for people src/plan/explain.ts.

/** Of the encoding that launcher and planner share; a launcher ignores plans of any other. */
export const planFormatVersion = 1;

/** How a mount differs from a plain one. Absent means false. */
export type MountFlags = {
  /** With everything that is mounted below the source. */
  readonly recursive?: boolean;
  readonly readOnly?: boolean;
  /** Leave the mount out when source or target is missing. */
  readonly optional?: boolean;
  /** Make a missing target: possible where the root is writable. */
  readonly create?: boolean;
  readonly nosuid?: boolean;
  readonly nodev?: boolean;
  readonly noexec?: boolean;
  /** The source is a path in the container, as far as it is built, instead of the machine's. */
  readonly inside?: boolean;
};

/** What a container may do with a device. */
export type DeviceAccess = { readonly read: boolean; readonly write: boolean; /** mknod(2). */ readonly make: boolean };

export type Namespace = 'user' | 'mount' | 'pid' | 'ipc' | 'uts' | 'net';

/** The resources of setrlimit(2), by prlimit(1)'s names. */
export const limits = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const;
export type Limit = (typeof limits)[number];

/** One edit of the caller's environment, made at launch, so that what differs from rank to rank passes through. */
export type EnvironmentEdit =
  | { readonly edit: 'clear'; readonly keep: readonly string[] }
  | { readonly edit: 'unset'; readonly glob: string }
  /** The same by a table of `compileGlob`, for patterns with more than `*` and `?`. */
  | { readonly edit: 'unset-matching'; readonly glob: string; readonly matcher: readonly bigint[] }
  /**
   * `expand`: of the value's pieces between colons, one that is `$NAME` stands for that variable's value at launch, and is
   * left out with its colon where that is unset or empty.
   */
  | { readonly edit: 'set' | 'default' | 'expand'; readonly name: string; readonly value: string }
  | { readonly edit: 'prepend' | 'append'; readonly name: string; readonly value: string; readonly separator: string };

/** When a hook is run (OCI runtime-spec, "POSIX-platform Hooks"). */
export const hookStages = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;
export type HookStage = (typeof hookStages)[number];

/** A step of a plan. `origin` says who asked for it, in words for people. */
export type Step =
  | {
      readonly step: 'namespaces';
      readonly namespaces: readonly Namespace[];
      /** `own`: what the caller's is. */
      readonly uid: number | 'own';
      readonly gid: number | 'own';
      readonly origin: string;
    }
  /** Hold only where one of these variables is set: they tell that there are other ranks. */
  | { readonly step: 'hold-when'; readonly anySet: readonly string[] }
  /**
   * What follows, up to `held`, is built once for all ranks. `scope` says what divides them: variables, by their values,
   * `@sources`, by what stands at the sources of the mounts when a rank starts, and `@parent`, by their parent process.
   * With `peers` the group is complete when so many have come: who comes later founds another.
   */
  | {
      readonly step: 'hold';
      readonly key: string;
      readonly lingerMs: number | 'for-ever';
      readonly scope: readonly string[];
      readonly peers?: number;
    }
  | { readonly step: 'held' }
  /** Be where another process is, instead of building anything. */
  | { readonly step: 'join'; readonly pid: number; readonly origin: string }
  /** The root as it is: the host's, or what was held or joined. */
  | { readonly step: 'root-host' }
  | {
      readonly step: 'root-directory';
      readonly path: string;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  | {
      readonly step: 'root-squashfuse';
      readonly image: string;
      readonly server: string;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  /** An image on a guest path, on top of what is there. */
  | {
      readonly step: 'squashfuse';
      readonly image: string;
      readonly server: string;
      readonly target: string;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  /** The container that an OCI runtime calls a hook for, as the state on standard input names it. */
  | { readonly step: 'root-bundle' }
  /** The kernel's own squashfs, by a loop device: root's alone, and for images that are known to be sound. */
  | {
      readonly step: 'root-squashfs';
      readonly image: string;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  /** Writes go to memory or a directory; or `layer`, a directory, lies over the root, and nothing can be written. */
  | {
      readonly step: 'overlay';
      readonly on: { readonly tmpfsBytes: number } | { readonly directory: string } | { readonly layer: string };
      readonly origin: string;
    }
  | {
      readonly step: 'bind';
      readonly source: string;
      readonly target: string;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  /** A bind mount of a device, and a rule in the container's device cgroup that lets it be used. */
  | {
      readonly step: 'device';
      readonly source: string;
      readonly target: string;
      readonly access: DeviceAccess;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  | {
      readonly step: 'tmpfs';
      readonly target: string;
      readonly sizeBytes: number;
      readonly mode: number;
      readonly flags: MountFlags;
      readonly origin: string;
    }
  /** /proc of a private pid namespace. */
  | { readonly step: 'proc'; readonly origin: string }
  | { readonly step: 'root-read-only' }
  /** Moves the new root to a path of the host's, in this mount namespace alone: hooks look for it there. */
  | { readonly step: 'show-root'; readonly path: string }
  /**
   * A program that is told of the container. It is run here, or, at the two last stages, when the program has started and
   * when it has ended.
   */
  | {
      readonly step: 'hook';
      readonly stage: HookStage;
      readonly path: string;
      readonly args: readonly string[];
      /** All of its environment. */
      readonly env: readonly string[];
      /** Where it is started. */
      readonly directory: string;
      /** What it reads; `pidMark` in it stands for the id of the container's process. */
      readonly state: string;
      /** As long as it may take. */
      readonly timeoutMs?: number;
      readonly origin: string;
    }
  | { readonly step: 'enter' }
  /** Instead of entering the new root, leave it mounted at a path of the namespace that was left: root, for others. */
  | { readonly step: 'leave-at'; readonly path: string; readonly origin: string }
  | { readonly step: 'environment'; readonly edit: EnvironmentEdit; readonly origin: string }
  /**
   * The edits from here up to `activated` are left out where the first variable is set; and, unless the second is, where
   * the program was called through a virtual environment. If they are made then, its programs come first on PATH.
   */
  | { readonly step: 'activate'; readonly unlessSet: string; readonly throughVenvIfSet: string }
  | { readonly step: 'activated' }
  | { readonly step: 'umask'; readonly mask: number }
  | {
      readonly step: 'limit';
      readonly resource: Limit;
      readonly soft: number | 'none';
      readonly hard: number | 'none';
      readonly origin: string;
    }
  /** Close all descriptors but 0, 1, 2 and these. */
  | { readonly step: 'descriptors'; readonly keep: readonly number[]; readonly origin: string }
  /** What the program writes to these goes nowhere: 1, 2. */
  | { readonly step: 'discard'; readonly descriptors: readonly number[]; readonly origin: string }
  /** Drop all capabilities but these, for good; numbers as in capabilities(7). */
  | { readonly step: 'capabilities'; readonly keep: readonly number[]; readonly origin: string }
  | { readonly step: 'no-new-privileges' }
  /** A filter for system calls: BPF instructions of eight bytes each, as little-endian numbers. */
  | { readonly step: 'seccomp'; readonly program: readonly bigint[]; readonly origin: string }
  | {
      readonly step: 'chdir';
      /** `must`: fail where it can't be entered; `caller`: the caller's own directory if inside; `try`: the first that works. */
      readonly how: 'must' | 'caller' | 'try';
      readonly path: string;
      readonly origin: string;
      /** Say so where it does not work and the next is tried. */
      readonly complains?: boolean;
    }
  /** The program and its first arguments; the caller's words behind what the plan covers follow. */
  | { readonly step: 'exec'; readonly argv: readonly string[] }
  /**
   * The program in `directory` that has the name of the wrapper that was called, with all words of the caller, his argv[0]
   * included. `starter` is what starts it: its words, then the program's path, then the caller's words; none: it starts
   * itself. A script whose `#!` line names an interpreter below `builtIn`, which is gone, is given to the one that stands
   * in its place now.
   */
  | {
      readonly step: 'exec-namesake';
      readonly directory: string;
      readonly builtIn: string;
      readonly starter: readonly string[];
    }
  /** Nothing is to be run: all was done. */
  | { readonly step: 'end' };

/** In the state that a hook reads: the id of the container's process, as the caller's pid namespace has it. */
export const pidMark = '\u0001';

/** In the texts of a wrapper's plan: the directory of the installation, wherever it stands when a program is started. */
export const placeMark = '\u0001';

/** The name of the plan of a wrapped installation, in the directory of its wrappers. */
export const wrapperPlanName = '.slipway-plan';

/** What stat(2) says of a file, as far as it shows that the file is the same and unchanged. */
export type FileStamp = {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly sizeBytes: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
};

/** Something the planner read, and what it found. The plan holds for as long as it would find the same. */
export type TraceEntry =
  | { readonly read: 'identity'; readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  | { readonly read: 'environment'; readonly name: string; readonly value: string | undefined }
  | { readonly read: 'file'; readonly path: string; readonly stamp: FileStamp }
  | { readonly read: 'link'; readonly path: string; readonly stamp: FileStamp }
  /** Only the kind of file mattered: `format` is the S_IFMT part of its mode. */
  | { readonly read: 'kind'; readonly path: string; readonly format: number; readonly follows: boolean }
  | { readonly read: 'absent'; readonly path: string }
  | { readonly read: 'cwd'; readonly path: string };

export type Plan = {
  /** The command line that this plan answers: the words of argv that it covers, the face's name first. */
  readonly covers: {
    readonly words: readonly string[];
    /** Only this command line; otherwise any command may follow the words. */
    readonly isExact: boolean;
  };
  /** What is run, for messages: an image's name or path. */
  readonly subject: string;
  readonly style: 'slipway' | 'charliecloud' | 'charliecloud-verbose';
  readonly statuses: { readonly own: number; readonly notFound: number; readonly notExecutable: number };
  readonly trace: readonly TraceEntry[];
  /** Where something was read that no stat can prove (name service), for how long it is believed. */
  readonly maxAgeMs?: number;
  readonly steps: readonly Step[];
};
