// SPDX-License-Identifier: Apache-2.0
// What an image says about itself: the parts of an OCI image configuration (image-spec, "OCI Image
// Configuration") that a launch or a listing needs.

/** A platform as an OCI index and image configuration name it. */
export type Platform = {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
};

export type ImageConfig = {
  readonly platform: Platform;
  /** RFC 3339 time, as the image's maker wrote it. */
  readonly created?: string;
  /** `NAME=value`, in the image's order. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly labels: Readonly<Record<string, string>>;
};

/** What an image without a configuration (a plain directory, a foreign squashfs) is taken to say. */
export function emptyImageConfig(platform: Platform): ImageConfig {
  return { platform, env: [], entrypoint: [], cmd: [], labels: {} };
}
