// SPDX-License-Identifier: Apache-2.0
// The command line, read as Charliecloud's script reads it: word by word, options and the image in any order, `--dest` for
// the files behind it, and what is named is looked up at once.
import { SlipwayError } from '../../../model/index.ts';

/** A file of the host, and where it was told to go. */
export type QueuedFile = { readonly source: string; readonly destination: string | undefined };

export type Asked = {
  readonly image: string;
  readonly files: readonly QueuedFile[];
  readonly isUndo: boolean;
  readonly isDryRun: boolean;
  readonly prints: 'lib' | 'fi' | 'cray-fi' | undefined;
  readonly craysMpi: boolean;
  readonly runsLdconfig: boolean;
  readonly verbosity: number;
};

/** What options make of the machine. */
export type Sources = {
  readonly output: (command: string) => Promise<readonly string[]>;
  readonly lines: (file: string) => Promise<readonly string[]>;
  readonly nvidia: () => Promise<readonly string[]>;
  readonly variable: (name: string) => string | undefined;
  /** Why a word is no image; undefined where it is one. */
  readonly refusal: (image: string) => Promise<string | undefined>;
};

export type Ending = { readonly ending: 'help' | 'version' | 'no-arguments' };

const withArgument: ReadonlyMap<string, string> = new Map(
  (['cmd', 'file', 'path', 'dest'] as const).flatMap((name) => [
    [`--${name}`, name] as const,
    [`-${name.charAt(0)}`, name] as const,
  ]),
);

/** @throws SlipwayError `charliecloud-fromhost`, `charliecloud-fromhost-usage` */
export async function readWords(argv: readonly string[], sources: Sources): Promise<Asked | Ending> {
  if (argv.length === 0) return { ending: 'no-arguments' };
  if (argv.includes('--help') || argv.includes('-h')) return { ending: 'help' };
  if (argv.includes('--version')) return { ending: 'version' };
  const files: QueuedFile[] = [];
  const state: { -readonly [Key in keyof Omit<Asked, 'files' | 'image'>]: Asked[Key] } & { image?: string } = {
    isUndo: false,
    isDryRun: false,
    prints: undefined,
    craysMpi: false,
    runsLdconfig: true,
    verbosity: 0,
  };
  let destination: string | undefined;
  const add = (sourcesGiven: readonly string[]): void => {
    for (const source of sourcesGiven.filter((each) => each !== '')) files.push({ source, destination });
  };
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    const option = withArgument.get(word);
    if (option !== undefined) {
      at += 1;
      const value = argv[at] ?? '';
      if (value === '') refuse(`--${option} must not be empty`);
      if (option === 'dest') destination = value;
      else if (option === 'cmd') add(await sources.output(value));
      else if (option === 'file') add(await sources.lines(value));
      else add(value.split('\n'));
      continue;
    }
    switch (word) {
      case '--nvidia':
        add(await sources.nvidia());
        break;
      case '--cray-cxi':
      case '--cray-gni':
        add([ofVariable(word === '--cray-cxi' ? 'CH_FROMHOST_OFI_CXI' : 'CH_FROMHOST_OFI_GNI', sources)]);
        break;
      case '--cray-mpi':
        state.craysMpi = true;
        break;
      case '--lib-path':
      case '--print-lib':
        state.prints = 'lib';
        break;
      case '--print-fi':
        state.prints = 'fi';
        break;
      case '--print-cray-fi':
        state.prints = 'cray-fi';
        break;
      case '--no-ldconfig':
        state.runsLdconfig = false;
        break;
      case '-n':
      case '--dry-run':
        state.isDryRun = true;
        break;
      case '--undo':
        state.isUndo = true;
        break;
      case '-v':
      case '--verbose':
        state.verbosity += 1;
        break;
      case '-q':
      case '--quiet':
        state.verbosity = -1;
        break;
      default: {
        if (word.startsWith('-')) {
          throw new SlipwayError('charliecloud-fromhost-usage', { reason: `invalid option: ${word}` });
        }
        if (word === '') refuse('image path must not be empty');
        if (state.image !== undefined) refuse(`duplicate image: ${word}`);
        const refusal = await sources.refusal(word);
        if (refusal !== undefined) refuse(refusal);
        state.image = word;
      }
    }
  }
  const { image } = state;
  if (image === undefined) return refuse('no image specified');
  const colon = files.find(({ source, destination: given }) => source.includes(':') || given?.includes(':') === true);
  if (colon !== undefined) refuse(`paths can't contain colon: ${colon.source}`);
  const isIdle = files.length === 0 && state.prints === undefined && !state.craysMpi && !state.isUndo;
  if (isIdle) refuse('empty file list');
  return { ...state, image, files };
}

function ofVariable(name: string, { variable }: Sources): string {
  const value = variable(name) ?? '';
  return value === '' ? refuse(`${name} is not set`) : value;
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-fromhost', { reason });
}
