// SPDX-License-Identifier: Apache-2.0
// Which Slipway this is. The bundler replaces the constant; run from source there is none.

export type Build = {
  /** `1.2.0`. */
  readonly version: string;
  /** Of the source: a commit, with `+` where it had changes. */
  readonly id: string;
};

declare const __SLIPWAY_BUILD__: Build | undefined;

export const build: Build =
  typeof __SLIPWAY_BUILD__ === 'undefined' ? { version: '0.0.0', id: '0'.repeat(32) } : __SLIPWAY_BUILD__;
