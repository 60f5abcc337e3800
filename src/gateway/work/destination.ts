// SPDX-License-Identifier: Apache-2.0
// Where a system's runtime looks for images: `ID.squashfs` and `ID.meta` in one directory. What everyone may run everyone
// may read, since no program of the runtime has privilege; the rest is for the gateway's user, and for root, who prepares
// jobs. The metadata is there before the image, which makes an image exist by appearing; each file appears whole.
// Metadata may vouch for its image, so it never stands beside one that somebody else has left there.

export type DeliveryProgress = (doneBytes: number, totalBytes: number) => void;

export type Destination = {
  /**
   * How large an image is that is there with its metadata, made by Slipway itself; undefined for any other, which is to
   * be made anew: its metadata would vouch for what nobody here has made.
   */
  readonly sizeOf: (id: string, format: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Writes new metadata for an image that is there. */
  readonly putMeta: (id: string, text: string, signal: AbortSignal) => Promise<void>;
  /** Puts the image at `path` and its metadata, in place of whatever has this name. */
  readonly putImage: (
    image: { readonly id: string; readonly format: string; readonly path: string; readonly meta: string },
    options: { readonly signal: AbortSignal; readonly onProgress: DeliveryProgress },
  ) => Promise<void>;
  /** Lets everyone read image and metadata, or nobody but the gateway's user. */
  readonly setReaders: (
    image: { readonly id: string; readonly format: string },
    readers: 'all' | 'service',
    signal: AbortSignal,
  ) => Promise<void>;
  /** Removes the image before its metadata; what is absent already is no matter. */
  readonly remove: (id: string, format: string, signal: AbortSignal) => Promise<void>;
  /** Takes over a file of the system's as an image; its id. @throws SlipwayError `gateway-import-refused` */
  readonly importFile: (
    file: { readonly path: string; readonly uid: number; readonly format: string },
    options: { readonly signal: AbortSignal; readonly onHashed: (id: string) => Promise<void> },
  ) => Promise<{ readonly id: string; readonly sizeBytes: number }>;
  /** Clears away what broken transfers have left. */
  readonly sweep: (signal: AbortSignal) => Promise<void>;
};

/** An image's name as a file: hexadecimal digits and nothing else ever reaches a path or a shell. */
export function imageFileName(id: string, suffix: string): string {
  if (!/^[0-9a-f]{8,128}$/.test(id) || !/^[a-z0-9]{1,16}$/.test(suffix)) throw new Error(`"${id}" is no image id`);
  return `${id}.${suffix}`;
}
