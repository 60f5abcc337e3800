// SPDX-License-Identifier: Apache-2.0
// The sentences about a pull that both the live view and the plain log use.
import type { AcceptedSignature, PullEvent } from '../../model/index.ts';
import { printable } from './printable.ts';
import { type PullProgress, totalOf } from './pull-progress.ts';
import { formatDuration, formatSize } from './units.ts';

/** A line for what people should know even when the rest is only drawn; undefined for other events. */
export function noticeLine(event: PullEvent): string | undefined {
  if (event.type === 'warning') {
    const times = event.count > 1 ? ` (${event.count} times)` : '';
    return `warning: ${printable(event.text)}${times}`;
  }
  if (event.type === 'retrying') {
    return `${printable(event.what)}: ${printable(event.reason)}; trying again in ${formatDuration(event.delayMs)}`;
  }
  if (event.type === 'verified') {
    return event.signatures.map((signature) => signatureLine(event.reference, signature)).join('\n');
  }
  return undefined;
}

/** `debian:12: signed by sha256:0a1b… (cosign) as registry.example/debian`. */
export function signatureLine(reference: string, { kind, key, identity }: AcceptedSignature): string {
  const as = identity === undefined ? '' : ` as ${printable(identity)}`;
  return `${printable(reference)}: signed by ${key} (${kind})${as}`;
}

/** `debian:12: 45.0 MiB stored in 9.3s (48.1 MiB downloaded, 20.0 MiB reused)`. */
export function storedLine(
  event: Extract<PullEvent, { type: 'stored' }>,
  progress: PullProgress,
  durationMs: number,
): string {
  const { doneBytes, presentBytes } = totalOf(progress);
  const reused = presentBytes > 0 ? `, ${formatSize(presentBytes)} reused` : '';
  const how = progress.layers.length === 0 ? '' : ` (${formatSize(doneBytes)} downloaded${reused})`;
  return `${printable(event.reference)}: ${formatSize(event.sizeBytes)} stored in ${formatDuration(durationMs)}${how}`;
}

export function presentLine(event: Extract<PullEvent, { type: 'already-present' }>): string {
  return `${printable(event.reference)}: already here, ${event.digest}`;
}
