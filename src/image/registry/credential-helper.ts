// SPDX-License-Identifier: Apache-2.0
// Programs that keep credentials: docker-credential-helpers' protocol, one word as an argument, text on standard input.
import { SlipwayError } from '../../model/index.ts';
import { runProgram } from '../../sys/run-program.ts';
import { type Credentials, parseHelperAnswer } from './credentials-file.ts';

export type HelperCall = {
  /** The helper's name, without `docker-credential-`. */
  readonly helper: string;
  /** By which it knows the registry. */
  readonly server: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
};

const maxOutputBytes = 256 * 1024;

/** The credentials; undefined where the helper has none. @throws SlipwayError `credential-helper-failed` */
export async function getFromHelper(call: HelperCall, signal: AbortSignal): Promise<Credentials | undefined> {
  const { exitStatus, output } = await ask(call, 'get', call.server, signal);
  const text = output.toString('utf8');
  if (exitStatus === 0) {
    const credentials = parseHelperAnswer(text);
    if (credentials === undefined) throw failed(call, 'what it prints is no credentials');
    return credentials;
  }
  // The protocol has no other sign for "I know nothing about it" than this text on the standard output.
  if (/credentials not found/i.test(text)) return undefined;
  throw failed(call, `it ended with status ${exitStatus}`);
}

/** @throws SlipwayError `credential-helper-failed` */
export async function putInHelper(
  call: HelperCall,
  credentials: Extract<Credentials, { kind: 'password' }>,
  signal: AbortSignal,
): Promise<void> {
  const { username, password } = credentials;
  const input = JSON.stringify({ ServerURL: call.server, Username: username, Secret: password });
  const { exitStatus } = await ask(call, 'store', input, signal);
  if (exitStatus !== 0) throw failed(call, `store ended with status ${exitStatus}`);
}

/** @throws SlipwayError `credential-helper-failed` */
export async function eraseFromHelper(call: HelperCall, signal: AbortSignal): Promise<void> {
  const { exitStatus } = await ask(call, 'erase', call.server, signal);
  if (exitStatus !== 0) throw failed(call, `erase ended with status ${exitStatus}`);
}

async function ask(
  call: HelperCall,
  action: 'get' | 'store' | 'erase',
  input: string,
  signal: AbortSignal,
): ReturnType<typeof runProgram> {
  try {
    return await runProgram({
      argv: [programOf(call), action],
      environment: call.environment,
      input,
      maxOutputBytes,
      timeoutMs: call.timeoutMs ?? 60_000,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failed(call, error instanceof Error ? error.message : String(error), error);
  }
}

function programOf({ helper }: HelperCall): string {
  return `docker-credential-${helper}`;
}

function failed(call: HelperCall, reason: string, cause?: unknown): SlipwayError {
  const fields = { program: programOf(call), registry: call.server, reason };
  return new SlipwayError('credential-helper-failed', fields, { cause });
}
