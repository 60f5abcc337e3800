// SPDX-License-Identifier: Apache-2.0
// The shape of a row in the error table.

/** `{name}` in message and hint is filled from the error's fields. */
export type ErrorEntry = {
  /** verb, object, reason; no full stop. */
  readonly message: string;
  /** What the person can do now. */
  readonly hint?: string;
  /** Exit status: 125 for Slipway's own failures, 2 for a command line that can't be understood. */
  readonly exitStatus: number;
  /** What the gateway answers when this error ends a request. */
  readonly httpStatus: number;
};

export type ErrorTable = Readonly<Record<string, ErrorEntry>>;
