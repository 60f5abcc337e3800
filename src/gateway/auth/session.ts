// SPDX-License-Identifier: Apache-2.0
import { parseJson } from '../../model/index.ts';
import type { Location } from '../../site/index.ts';

/** Who makes a request, and what they brought along. */
export type Session = {
  readonly system: string;
  readonly uid: number;
  readonly gid: number;
  /** Undefined where the name service has to be asked. */
  readonly user: string | undefined;
  /** `user:password` by the name of a location, and `default`. Never logged. */
  readonly tokens: ReadonlyMap<string, string>;
};

/** A request that is not served. `reason` is told to the client and holds no secret. */
export class Refusal extends Error {
  readonly error: string;
  readonly status: number;

  constructor(
    error: string,
    options: { readonly reason?: string; readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(options.reason ?? error, { cause: options.cause });
    this.name = 'Refusal';
    this.error = error;
    this.status = options.status ?? 404;
  }
}

export const badSession = 'Bad session or system';

const mostTokens = 100;

/** The payload of a credential: `{"authorized_locations":{"LOCATION":"user:password"}}`; any other says nothing. */
export function parseTokens(payload: string): ReadonlyMap<string, string> {
  if (!payload.startsWith('{')) return new Map();
  const value = parseJson(payload);
  const locations = (value as { readonly authorized_locations?: unknown } | null)?.authorized_locations;
  if (typeof locations !== 'object' || locations === null) return new Map();
  return new Map(
    Object.entries(locations)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].includes(':'))
      .slice(0, mostTokens),
  );
}

/**
 * The credentials for a location: its own, or those called `default` for the default location only. (Shifter's code
 * sends those to any registry that asks.)
 */
export function tokenFor(
  tokens: ReadonlyMap<string, string>,
  location: Location,
  defaultLocation: string,
): { readonly username: string; readonly password: string } | undefined {
  const text = tokens.get(location.name) ?? (location.name === defaultLocation ? tokens.get('default') : undefined);
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
