// SPDX-License-Identifier: Apache-2.0
// Repeating what failed for a moment: exponential back-off with full jitter, so that a thousand nodes that were turned
// away together do not come back together.
import type { Emit, PullEvent, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import type { RegistryLimits } from './settings.ts';

/** Thrown by an attempt that may be repeated; `failure` is what the caller gets when no attempt is left. */
export class TransientFailure extends Error {
  readonly failure: SlipwayError;
  readonly retryAfterMs: number | undefined;

  constructor(failure: SlipwayError, retryAfterMs?: number) {
    super(failure.message);
    this.name = 'TransientFailure';
    this.failure = failure;
    this.retryAfterMs = retryAfterMs;
  }
}

export type RetryContext = {
  readonly limits: RegistryLimits;
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly emit: Emit<PullEvent>;
};

/** Runs `attempt` until it does not throw a TransientFailure, at most `limits.attempts` times. */
export async function withRetries<T>(
  what: string,
  attempt: () => Promise<T>,
  context: RetryContext & { readonly signal: AbortSignal },
): Promise<T> {
  const { limits, signal } = context;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientFailure)) throw error;
      const askedMs = error.retryAfterMs ?? 0;
      if (attempts >= limits.attempts || askedMs > limits.maxRetryAfterMs) throw error.failure;
      const backOffMs = Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (attempts - 1));
      const delayMs = Math.round(askedMs + backOffMs * context.random());
      context.emit({ type: 'retrying', what, reason: error.failure.message, delayMs });
      await context.clock.sleep(delayMs, signal);
    }
  }
}

/** Milliseconds that a Retry-After header asks for (RFC 9110, section 10.2.3), or undefined where it says nothing. */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - now.getTime());
}
