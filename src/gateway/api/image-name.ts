// SPDX-License-Identifier: Apache-2.0
// `/api/MODE/SYSTEM/TYPE/TAG/`: with or without the slash at the end, the tag raw with slashes of its own or percent-encoded
// as a whole, as Shifter's client sends it. Decoded once, here, from what came over the wire.
import { Refusal } from '../auth/session.ts';
import type { ImageName } from '../records/types.ts';

const maxTagLength = 512;

/** @throws Refusal for what names no image */
export function readImageName(rawUrl: string, appendsLatest: (itype: string) => boolean): ImageName {
  const path = rawUrl.split('?', 1)[0] ?? '';
  const [, , , system = '', itype = '', ...rest] = path.split('/');
  if (rest.at(-1) === '') rest.pop();
  const decoded = { system: decode(system), itype: decode(itype), tag: decode(rest.join('/')) };
  // `docker://ubuntu:latest` is the type docker and the tag //ubuntu:latest.
  const tag = decoded.tag.replace(/^\/+/, '');
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(decoded.system)) throw malformed('the name of the system');
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(decoded.itype)) throw malformed('the type of the image');
  if (tag.length === 0 || tag.length > maxTagLength || !/^[!-~]+$/.test(tag)) throw malformed('the tag');
  const isWhole = tag.includes(':') || !appendsLatest(decoded.itype);
  return { system: decoded.system, itype: decoded.itype, tag: isWhole ? tag : `${tag}:latest` };
}

/** The system of `/api/MODE/SYSTEM/`. */
export function readSystem(rawUrl: string): string {
  return decode(rawUrl.split('?', 1)[0]?.split('/')[3] ?? '');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('the percent-encoding');
  }
}

function malformed(what: string): Refusal {
  return new Refusal('image not found', { reason: `${what} is malformed` });
}
