// SPDX-License-Identifier: Apache-2.0
// Where an OCI image is: `PATH[:TAG]`, or the same behind `oci:` or `oci-archive:` as skopeo(1) has them.
import { type LayoutTransport, parseSourceReference, SlipwayError } from '../../../model/index.ts';

export type OciPlace = {
  /** A directory, or one tar file of it. */
  readonly transport: Extract<LayoutTransport, 'oci' | 'oci-archive'>;
  readonly path: string;
  /** Which image of several. */
  readonly name?: string;
};

/** Without a prefix, what ends in .tar, .oci or .ociarchive is one file. @throws SlipwayError `source-malformed` */
export function readOciPlace(text: string): OciPlace {
  const isArchive = /^[^:]*\.(?:tar|oci|ociarchive)(?::|$)/.test(text);
  const place = parseSourceReference(isOciText(text) ? text : `${isArchive ? 'oci-archive' : 'oci'}:${text}`);
  if (place.transport === 'oci' || place.transport === 'oci-archive') return { ...place, transport: place.transport };
  throw new SlipwayError('source-malformed', { reference: text.slice(0, 300), reason: 'it is no OCI image' });
}

/** Whether a word says itself that an OCI image is meant. */
export function isOciText(text: string): boolean {
  return /^oci(?:-archive)?:/.test(text);
}
