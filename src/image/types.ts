// SPDX-License-Identifier: Apache-2.0
// The nouns that the parts of src/image hand to one another: where an image comes from (ImageSource), what it
// consists of (ResolvedImage), and what the store keeps of it (StoredImage).
import type { Readable } from 'node:stream';
import type { Artifact, Referrer } from '../formats/oci/index.ts';
import type { Digest, ImageConfig, ImageReference, Verification } from '../model/index.ts';

/** An OCI descriptor of a layer, with what the image configuration adds. */
export type LayerDescriptor = {
  readonly mediaType: string;
  /** Of the blob as it is stored and transferred. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Of the uncompressed tar (`rootfs.diff_ids`); undefined where the configuration does not say. */
  readonly diffId?: Digest;
};

/** One image for one platform, its manifest and configuration already checked against their digests. */
export type ResolvedImage = {
  /** The manifest of the chosen platform: the image's identity in the store. */
  readonly digest: Digest;
  /** The index that led to it, where there was one. */
  readonly indexDigest?: Digest;
  readonly manifestBytes: Buffer;
  readonly configBytes: Buffer;
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  /** From the base upwards. */
  readonly layers: readonly LayerDescriptor[];
  /** How it was found acceptable, where something was asked of it. */
  readonly verification?: Verification;
};

/** Somewhere that images come from: a registry now, layouts and archives beside it. */
export type ImageSource = {
  readonly resolve: (signal: AbortSignal) => Promise<ResolvedImage>;
  /**
   * The blob's bytes from `offsetBytes` on, unverified: whoever stores them checks digest and length.
   * A source that can't start there answers from 0 and says so in `offsetBytes` of the result.
   */
  readonly openBlob: (
    layer: LayerDescriptor,
    offsetBytes: number,
    signal: AbortSignal,
  ) => Promise<{ readonly body: Readable; readonly offsetBytes: number }>;
  readonly close: () => Promise<void>;
};

/** A layer's blob on this machine, digest and length verified: a file, or a part of one that begins at `startBytes`. */
export type LayerFile = LayerDescriptor & { readonly path: string; readonly startBytes?: number };

/** A source whose blobs are on this machine and need no copy to be read. */
export type LocalSource = ImageSource & {
  /** A layer where it is, its digest and length verified now. */
  readonly localLayer: (layer: LayerDescriptor, signal: AbortSignal) => Promise<LayerFile>;
};

/** What the store keeps beside an image's squashfs, as JSON. */
export type StoredImage = {
  readonly digest: Digest;
  readonly indexDigest?: Digest;
  readonly configDigest?: Digest;
  readonly config: ImageConfig;
  readonly layers: readonly LayerDescriptor[];
  /** Bytes of the squashfs file. */
  readonly sizeBytes: number;
  /** Files, directories and the rest in the merged tree. */
  readonly entries: number;
  /** RFC 3339. */
  readonly converted: string;
  /** How it was found acceptable the last time it was pulled, where signatures were asked for. */
  readonly verification?: Verification;
  /** Who may use it, beside the owner of its file; everybody who may enter the store unless said. */
  readonly access?: ImageAccess;
};

/** Numbers of users and groups, as the kernel knows them. */
export type ImageAccess = { readonly users: readonly number[]; readonly groups: readonly number[] };

/** A name in the store and the image it points to. */
export type StoredTag = {
  readonly reference: ImageReference;
  readonly digest: Digest;
  /** RFC 3339. */
  readonly pulled: string;
};

/** Reads small things of one repository; what is not there is undefined, what does not fit its digest is refused. */
export type ArtifactReader = {
  /** By tag or digest. @throws SlipwayError `digest-mismatch`, `manifest-malformed`, `registry-*` */
  readonly readArtifact: (name: string, signal: AbortSignal) => Promise<Artifact | undefined>;
  /** @throws SlipwayError `digest-mismatch`, `registry-*`; undefined as well where it is larger than `maxBytes` */
  readonly readBlob: (digest: Digest, maxBytes: number, signal: AbortSignal) => Promise<Buffer | undefined>;
  /** What refers to a manifest, of one type: those that do not say their type are among them. */
  readonly listReferrers: (subject: Digest, artifactType: string, signal: AbortSignal) => Promise<readonly Referrer[]>;
  /** A file of a server that keeps signatures beside the registry; without credentials. */
  readonly readUrl: (url: URL, maxBytes: number, signal: AbortSignal) => Promise<Buffer | undefined>;
};
