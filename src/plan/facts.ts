// SPDX-License-Identifier: Apache-2.0
// What plan() is told of the image, the machine and the site. All of it was read beforehand, through Inputs.
import type { ImageConfig } from '../model/index.ts';

export type GuestKind = 'file' | 'directory' | 'other';

export type ImageFacts = {
  /** As the person named it, for messages. */
  readonly subject: string;
  readonly root: { readonly kind: 'directory' | 'squashfs'; readonly path: string };
  /** Changes whenever the image's content may have: a digest, or a file's stamp. */
  readonly identity: string;
  readonly config: ImageConfig;
  /** What stands in the image at each path that `mountTargets` named, as far as something does. */
  readonly kinds: ReadonlyMap<string, GuestKind>;
  /** For each of these paths where nothing stands: the nearest directory above it, if that is empty. */
  readonly emptyAncestors: ReadonlyMap<string, string>;
  /** Where these paths, and those of the directories of a layer, lead without links; what is missing stays as it is. */
  readonly places: ReadonlyMap<string, string>;
  /** The image's own /etc/passwd and /etc/group, or ''. */
  readonly passwd: string;
  readonly group: string;
};

export type HostFacts = {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly fullName: string;
  readonly home: string;
  readonly shell: string;
  /** $TMPDIR, where set. */
  readonly temporaryDirectory: string | undefined;
  /** What stands at each path that `mountSources` named, as far as something does. */
  readonly sourceKinds: ReadonlyMap<string, GuestKind>;
  /** The squashfuse_ll program, where there is one. */
  readonly squashfuse: string | undefined;
  /** Where files made for a container are kept, by content; private to the user. */
  readonly generatedDirectory: string;
};

export type SiteFacts = {
  /** How long a mounted image outlives its last rank. */
  readonly lingerMs: number | 'for-ever';
};
