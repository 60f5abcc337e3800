// SPDX-License-Identifier: Apache-2.0
// OCI image documents: manifests, indexes, configurations, and the choice of a platform among them.
export { type Artifact, parseArtifact, parseReferrers, type Referrer } from './artifact.ts';
export {
  composeConfig,
  composeLayoutIndex,
  composeManifest,
  configDescriptor,
  layoutMarker,
  ociLayerType,
} from './compose.ts';
export { parseImageConfig } from './image-config.ts';
export { type LayoutEntry, parseLayoutIndex, parseSavedImages, type SavedImage } from './layout.ts';
export {
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
  type IndexMember,
  parseManifest,
  schema1Unsupported,
} from './manifest.ts';
export {
  dockerConfigType,
  dockerListType,
  dockerManifestType,
  layerType,
  manifestKind,
  ociConfigType,
  ociIndexType,
  ociManifestType,
} from './media-types.ts';
export { formatPlatform, platformFit } from './platform.ts';
export { shown } from './json-fields.ts';
