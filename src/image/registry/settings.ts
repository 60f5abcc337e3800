// SPDX-License-Identifier: Apache-2.0
// Bounds on what a registry may make us wait for, repeat and hold.

export type RegistryLimits = {
  readonly manifestBytes: number;
  readonly configBytes: number;
  readonly redirects: number;
  /** How often one request is sent in all. */
  readonly attempts: number;
  /** Before the second attempt, at most; doubled before each further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A registry that asks for more patience than this (Retry-After) is not waited for. */
  readonly maxRetryAfterMs: number;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** Without a byte of a body. */
  readonly stallTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  /** Of all layers together; as fast as it goes unless given. */
  readonly bytesPerSecond?: number;
};

export const defaultLimits: RegistryLimits = {
  // The distribution specification lets registries refuse manifests beyond 4 MiB ("Pushing Manifests").
  manifestBytes: 4 * 1024 * 1024,
  configBytes: 8 * 1024 * 1024,
  redirects: 5,
  attempts: 5,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  maxRetryAfterMs: 120_000,
  connectTimeoutMs: 20_000,
  answerTimeoutMs: 60_000,
  stallTimeoutMs: 60_000,
  connectionsPerOrigin: 16,
};
