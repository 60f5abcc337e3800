// SPDX-License-Identifier: Apache-2.0
// What long work says while it goes on. Library code emits these to a function that it was given; a face turns them
// into a terminal's progress, a log's lines or JSON; the gateway stores them.
import type { Digest } from './digest.ts';
import type { AcceptedSignature } from './trust.ts';

export type PullEvent =
  | { readonly type: 'resolving'; readonly reference: string }
  | {
      readonly type: 'resolved';
      readonly reference: string;
      readonly digest: Digest;
      readonly platform: string;
      readonly layers: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
    }
  | { readonly type: 'verified'; readonly reference: string; readonly signatures: readonly AcceptedSignature[] }
  | { readonly type: 'already-present'; readonly reference: string; readonly digest: Digest }
  | { readonly type: 'waiting-for-lock'; readonly what: string; readonly heldBy: string }
  | {
      readonly type: 'blob-progress';
      readonly digest: Digest;
      readonly doneBytes: number;
      readonly totalBytes: number;
    }
  | { readonly type: 'blob-done'; readonly digest: Digest; readonly sizeBytes: number; readonly wasCached: boolean }
  | { readonly type: 'retrying'; readonly what: string; readonly reason: string; readonly delayMs: number }
  | { readonly type: 'converting'; readonly entries: number; readonly contentBytes: number }
  | { readonly type: 'convert-progress'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: 'warning'; readonly code: string; readonly text: string; readonly count: number }
  | { readonly type: 'stored'; readonly reference: string; readonly digest: Digest; readonly sizeBytes: number };

export type Emit<Event> = (event: Event) => void;
