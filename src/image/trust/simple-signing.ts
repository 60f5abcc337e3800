// SPDX-License-Identifier: Apache-2.0
// What a signature says: the "simple signing" payload (containers-signature(5)), which cosign uses too. Read only after
// the signature over its bytes has been found good.
import { parseUniqueJson } from '../../formats/json/index.ts';
import { type Digest, parseDigest } from '../../model/index.ts';

export type SignedClaim = {
  /** `docker-reference`: the name that was given to the image when it was signed. */
  readonly identity: string;
  readonly digest: Digest;
};

/** Who may have made a payload, by the type that it states. */
const payloadTypes = {
  'simple-signing': 'atomic container signature',
  'cosign': 'cosign container image signature',
} as const;

export const maxPayloadBytes: number = 64 * 1024;

/** The claim; undefined for what is no payload of that kind. Unknown fields are refused, as the format has it. */
export function parseSignedClaim(bytes: Uint8Array, kind: keyof typeof payloadTypes): SignedClaim | undefined {
  const payload = fieldsOf(parse(bytes));
  if (payload === undefined || !hasOnly(payload, ['critical', 'optional'])) return undefined;
  const critical = fieldsOf(payload.get('critical'));
  if (critical === undefined || !hasOnly(critical, ['type', 'image', 'identity'])) return undefined;
  const image = fieldsOf(critical.get('image'));
  const identity = fieldsOf(critical.get('identity'));
  if (image === undefined || !hasOnly(image, ['docker-manifest-digest'])) return undefined;
  if (identity === undefined || !hasOnly(identity, ['docker-reference'])) return undefined;
  const [reference, digestText] = [identity.get('docker-reference'), image.get('docker-manifest-digest')];
  const digest = typeof digestText === 'string' ? parseDigest(digestText) : undefined;
  if (critical.get('type') !== payloadTypes[kind] || typeof reference !== 'string' || digest === undefined) {
    return undefined;
  }
  return { identity: reference, digest };
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > maxPayloadBytes) return undefined;
  try {
    return parseUniqueJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
}

function hasOnly(fields: ReadonlyMap<string, unknown>, names: readonly string[]): boolean {
  return [...fields.keys()].every((name) => names.includes(name));
}
