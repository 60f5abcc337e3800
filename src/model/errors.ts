// SPDX-License-Identifier: Apache-2.0
// Every failure that a person can meet, as one table: code, message, hint, exit status, HTTP status.
// The table is split by area under errors/ and joined here; docs/reference/errors.md is kept equal to it by a test.
// A programmer's error is a plain Error; it is not in the table.
import { charliecloudErrors } from './errors/charliecloud.ts';
import { cdiErrors } from './errors/cdi.ts';
import { hookErrors } from './errors/hooks.ts';
import { convertErrors } from './errors/convert.ts';
import { gatewayErrors } from './errors/gateway.ts';
import { imageErrors } from './errors/image.ts';
import { jobErrors } from './errors/job.ts';
import { launchErrors } from './errors/launch.ts';
import { registryErrors } from './errors/registry.ts';
import { shifterErrors } from './errors/shifter.ts';
import { sourceErrors } from './errors/sources.ts';
import { sarusErrors } from './errors/sarus.ts';
import { squashfsErrors } from './errors/squashfs.ts';
import { storeErrors } from './errors/store.ts';
import { systemErrors } from './errors/system.ts';
import { trustErrors } from './errors/trust.ts';
import { usageErrors } from './errors/usage.ts';
import { wrapErrors } from './errors/wrap.ts';
import type { ErrorEntry, ErrorTable } from './errors/entry.ts';

export const errorTable: typeof usageErrors &
  typeof registryErrors &
  typeof imageErrors &
  typeof shifterErrors &
  typeof sourceErrors &
  typeof convertErrors &
  typeof squashfsErrors &
  typeof storeErrors &
  typeof trustErrors &
  typeof launchErrors &
  typeof wrapErrors &
  typeof charliecloudErrors &
  typeof gatewayErrors &
  typeof systemErrors &
  typeof hookErrors &
  typeof jobErrors &
  typeof sarusErrors &
  typeof cdiErrors = {
  ...usageErrors,
  ...registryErrors,
  ...imageErrors,
  ...shifterErrors,
  ...sourceErrors,
  ...convertErrors,
  ...squashfsErrors,
  ...storeErrors,
  ...trustErrors,
  ...launchErrors,
  ...wrapErrors,
  ...hookErrors,
  ...charliecloudErrors,
  ...gatewayErrors,
  ...sarusErrors,
  ...systemErrors,
  ...cdiErrors,
  ...jobErrors,
} satisfies ErrorTable;

export type ErrorCode = keyof typeof errorTable;

type FieldsIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | FieldsIn<Rest>
  : never;
type HintOf<Entry> = Entry extends { readonly hint: infer Hint extends string } ? Hint : '';
/** The names between braces in a code's message and hint: each must be given. */
export type ErrorFields<Code extends ErrorCode> = Readonly<
  Record<FieldsIn<(typeof errorTable)[Code]['message']> | FieldsIn<HintOf<(typeof errorTable)[Code]>>, string | number>
>;

/**
 * A failure with a code of the table.
 * `message` is the filled-in message; `hint` what to do about it; `cause` what led to it.
 * Passwords in URLs (`scheme://user:password@`) and Authorization values never survive into the text.
 * @example throw new SlipwayError('reference-malformed', { reference: 'A', reason: 'it has capital letters' });
 */
export class SlipwayError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly exitStatus: number;
  readonly httpStatus: number;
  readonly #fields: ErrorFields<Code>;

  constructor(
    code: Code,
    fields: ErrorFields<Code>,
    options: { readonly cause?: unknown; readonly hint?: string } = {},
  ) {
    const entry: ErrorEntry = errorTable[code];
    const values = fields as Readonly<Record<string, string | number>>;
    super(withoutCredentials(fill(entry.message, values)), options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'SlipwayError';
    this.code = code;
    const hint = options.hint ?? (entry.hint === undefined ? undefined : fill(entry.hint, values));
    this.hint = hint === undefined ? undefined : withoutCredentials(hint);
    this.exitStatus = entry.exitStatus;
    this.httpStatus = entry.httpStatus;
    this.#fields = fields;
  }

  /** The same failure, with another hint. */
  hinting(hint: string): SlipwayError<Code> {
    const copy = new SlipwayError(this.code, this.#fields, { hint });
    if (this.cause !== undefined) copy.cause = this.cause;
    return copy;
  }
}

/** Whether `error` is a SlipwayError with one of these codes. */
export function hasCode<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is SlipwayError<Code> {
  return error instanceof SlipwayError && (codes as readonly string[]).includes(error.code);
}

/** `message`, and the messages of its causes in brackets, without repeating what is already said. */
export function describeError(error: unknown): string {
  const said: string[] = [];
  let each: unknown = error;
  // Nothing forbids a chain of causes to be endless.
  for (let depth = 0; each !== undefined && depth < 10; depth += 1) {
    const text = withoutCredentials(each instanceof Error ? each.message : describeValue(each));
    if (text !== '' && !isSaid(each, text, said)) said.push(text);
    each = each instanceof Error ? each.cause : undefined;
  }
  const [message = '', ...causes] = said;
  return causes.length === 0 ? message : `${message} (${causes.join(': ')})`;
}

/** A system call's error says no more than its errno's name to people, once the path or host has been named. */
function isSaid(error: unknown, text: string, said: readonly string[]): boolean {
  const isCall = error instanceof Error && 'syscall' in error && 'code' in error;
  return said.some((before) => before.includes(text) || (isCall && before.includes(`(${String(error.code)})`)));
}

/** Something else than an Error was thrown. */
function describeValue(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
}

function fill(template: string, fields: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{([A-Za-z]+)\}/g, (whole, name: string) => String(fields[name] ?? whole));
}

function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1')
    .replaceAll(/\b(Basic|Bearer) [A-Za-z0-9._~+/=-]{8,}/g, '$1 …');
}
