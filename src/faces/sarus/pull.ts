// SPDX-License-Identifier: Apache-2.0
// `sarus pull` and `sarus load`: what is said on the way has the form `# name : value`, which scripts read.
import { posix } from 'node:path';
import { defaultConvertOptions, formatSarusReference, openSource, parseSarusReference } from '../../image/index.ts';
import type { CredentialLookup } from '../../image/index.ts';
import { type Emit, type PullEvent, SlipwayError } from '../../model/index.ts';
import { temporaryName } from '../../sys/process-identity.ts';
import { systemSearchPath } from '../../sys/process.ts';
import { createPullReporter } from '../terminal/pull-reporter.ts';
import { addToRepository, openRegistryImage, type SarusContext } from './context.ts';
import { load as loadDescription, pull as pullDescription } from './descriptions/commands.ts';
import { readLine, usageError } from './read-line.ts';

const maxPasswordBytes = 64 * 1024;

export async function pull(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(pullDescription, words);
  if (line.has('containers-storage')) {
    throw usageError(pullDescription, '--containers-storage is not available: save the image, and use sarus load');
  }
  const reference = parseSarusReference(line.operands[0] ?? '');
  const credentials = await readCredentials(
    { isAsked: line.has('login'), isPiped: line.has('password-stdin'), username: line.value('username') },
    context,
  );
  const repository = context.repository(line.has('centralized-repository'));
  const say = facts(context);
  say('image', formatSarusReference(reference));
  say('cache directory', quoted(posix.join(repository.storePath, 'packs')));
  say('temp directory', quoted(line.value('temp-dir') ?? context.site.temporaryDirectory ?? '/tmp'));
  say('images directory', quoted(repository.imagesDirectory));
  return await reporting(context, async (emit) => {
    const noted: Emit<PullEvent> = (event) => {
      if (event.type === 'resolved') say('image digest', event.digest);
      emit(event);
    };
    const source = await openRegistryImage(reference, { context, credentials, emit: noted });
    try {
      await addToRepository(reference, { context, repository, source, emit: noted });
    } finally {
      await source.close();
    }
    return 0;
  });
}

export async function load(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(loadDescription, words);
  const [file = '', name = ''] = line.operands;
  const { environment, signal } = context;
  const path = posix.resolve(environment.workingDirectory, file);
  const reference = parseSarusReference(name, 'load');
  if (reference.digest !== '') {
    throw usageError(loadDescription, `"${name}" has a digest, which only an image of a registry can have`);
  }
  const repository = context.repository(line.has('centralized-repository'));
  const temporary = line.value('temp-dir') ?? context.site.temporaryDirectory ?? '/tmp';
  const say = facts(context);
  say('image', formatSarusReference(reference));
  say('source', quoted(path));
  say('temp directory', quoted(temporary));
  say('images directory', quoted(repository.imagesDirectory));
  return await reporting(context, async (emit) => {
    const opened = await openSource(
      { transport: 'path', path },
      {
        platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
        options: { xattrs: 'drop', searchPath: systemSearchPath, limits: defaultConvertOptions.limits },
        workingDirectory: environment.workingDirectory,
        temporaryPath: () => posix.join(temporary, `.slipway-${temporaryName()}`),
        openRegistry: () => {
          throw usageError(loadDescription, `"${file}" is no file`);
        },
        environment: environment.variables,
        emit,
        signal,
      },
    );
    try {
      if (opened.kind !== 'image') {
        throw new SlipwayError('sarus-usage', {
          command: loadDescription.name,
          topic: 'load',
          reason: `${path} holds files, but says nothing of an image`,
        });
      }
      await addToRepository(reference, { context, repository, source: opened.source, emit });
    } finally {
      await opened.source.close();
    }
    return 0;
  });
}

/** Prints facts about what is going on, the names in a column. */
function facts({ environment }: SarusContext): (name: string, value: string) => void {
  return (name, value) => environment.stdout.write(`# ${name.padEnd(16)} : ${value}\n`);
}

function quoted(path: string): string {
  return `"${path}"`;
}

async function reporting(
  { environment }: SarusContext,
  work: (emit: Emit<PullEvent>) => Promise<number>,
): Promise<number> {
  const reporter = createPullReporter(environment, environment.stderr.isTerminal ? 'people' : 'quiet');
  try {
    return await work(reporter.emit);
  } finally {
    reporter.close();
  }
}

/** What the command line asks for; undefined where the files of docker and podman are to say. */
async function readCredentials(
  wanted: { readonly isAsked: boolean; readonly isPiped: boolean; readonly username: string | undefined },
  { environment, signal }: SarusContext,
): Promise<CredentialLookup | undefined> {
  if (!wanted.isAsked && !wanted.isPiped && wanted.username === undefined) return undefined;
  if (wanted.isAsked && wanted.isPiped) {
    throw usageError(pullDescription, '--login and --password-stdin are for different people');
  }
  const { stdin, stderr } = environment;
  const ask = async (what: string, isHidden: boolean): Promise<string> => {
    if (!stdin.isTerminal) throw usageError(pullDescription, `there is no terminal to ask for the ${what}`);
    const prompt = (): void => stderr.write(`${what}: `);
    const answer = (await stdin.readLine({ isHidden, maxBytes: 1024, prompt }, signal)) ?? '';
    if (isHidden) stderr.write('\n');
    return answer;
  };
  const username = wanted.username ?? (wanted.isPiped ? '' : await ask('username', false));
  if (username === '') throw usageError(pullDescription, 'the user name is missing: see --username');
  const password = wanted.isPiped
    ? (await stdin.readAll(maxPasswordBytes, signal))?.toString('utf8').replace(/\r?\n$/, '')
    : await ask('password', true);
  if (password === undefined || password === '') throw usageError(pullDescription, 'the password is empty');
  return () => Promise.resolve({ kind: 'password', username, password });
}
