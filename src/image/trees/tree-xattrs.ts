// SPDX-License-Identifier: Apache-2.0
// Extended attributes of a tree on disk. Node can neither read nor write them: getfattr(1) and setfattr(1) do, in the
// format that one writes and the other reads: `# file: PATH`, then `name=0xHEX` lines, then an empty line; bytes of a
// path that are no printable ASCII, and the backslash, are three octal digits after a backslash.
import { SlipwayError } from '../../model/index.ts';
import { findProgram, withChild, writeTo } from '../../sys/process.ts';
import { isKeptXattr } from '../kept-xattrs.ts';

export type TreeXattrs = {
  /** @param path from the tree's root on */
  readonly of: (path: Buffer) => ReadonlyMap<string, Buffer> | undefined;
};

type ProgramOptions = { readonly searchPath: string; readonly signal: AbortSignal };

/** Of all attributes together: a tree has few. */
const maxOutputBytes = 256 * 1024 * 1024;

/** Reads what is kept of the attributes below a directory. @throws SlipwayError `program-missing`, `program-failed` */
export async function readTreeXattrs(directory: string, options: ProgramOptions): Promise<TreeXattrs> {
  const task = `read the extended attributes below ${directory}`;
  const program = await find('getfattr', task, options);
  const argv = [program, '-R', '-P', '-h', '-d', '-e', 'hex', '-m', '^(user\\.|security\\.capability$)', '.'] as const;
  const chunks: Buffer[] = [];
  let length = 0;
  const { end } = await withChild({ argv, directory, stdout: 'pipe', signal: options.signal }, async (child) => {
    for await (const chunk of (child.stdout ?? []) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxOutputBytes) throw failed(task, 'getfattr', `printed more than ${maxOutputBytes} bytes`);
    }
  });
  if (end.status !== 0) throw failed(task, 'getfattr', `ended with status ${end.status}: ${end.stderrTail}`);
  const byPath = parseXattrDump(Buffer.concat(chunks).toString('latin1'));
  return { of: (path) => byPath.get(path.toString('latin1')) };
}

/** Sets the attributes of files below a directory. @throws SlipwayError `program-missing`, `program-failed` */
export async function writeTreeXattrs(
  directory: string,
  xattrs: ReadonlyMap<string, ReadonlyMap<string, Buffer>>,
  options: ProgramOptions,
): Promise<void> {
  const task = `set the extended attributes below ${directory}`;
  const program = await find('setfattr', task, options);
  const child = { argv: [program, '-h', '--restore=-'] as const, directory, signal: options.signal };
  const { end } = await withChild(child, async ({ stdin }) => {
    for (const [path, set] of xattrs) await writeTo(stdin, Buffer.from(formatXattrDump(path, set), 'latin1'));
  });
  if (end.status !== 0) throw failed(task, 'setfattr', `ended with status ${end.status}: ${end.stderrTail}`);
}

/** Attributes by path, of which `./` at the beginning is left out; one character a byte. */
export function parseXattrDump(text: string): ReadonlyMap<string, ReadonlyMap<string, Buffer>> {
  const byPath = new Map<string, Map<string, Buffer>>();
  let set: Map<string, Buffer> | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# file: ')) {
      const path = unescape(line.slice('# file: '.length)).replace(/^\.\/(?=.)/, '');
      set = new Map();
      byPath.set(path, set);
      continue;
    }
    const match = /^([^=]+)=(?:0x((?:[0-9a-fA-F]{2})*))?$/.exec(line);
    const name = match?.[1] === undefined ? undefined : unescape(match[1]);
    if (name !== undefined && isKeptXattr(name)) set?.set(name, Buffer.from(match?.[2] ?? '', 'hex'));
  }
  return byPath;
}

/** One file's part of a dump. `path` is relative, one character a byte. */
export function formatXattrDump(path: string, xattrs: ReadonlyMap<string, Buffer>): string {
  const lines = [...xattrs].map(([name, value]) => `${escape(name)}=0x${value.toString('hex')}\n`);
  return `# file: ${escape(`./${path}`)}\n${lines.join('')}\n`;
}

function escape(text: string): string {
  return text.replaceAll(/[^!-[\]-~]|=/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8) & 0xff),
  );
}

async function find(program: string, task: string, { searchPath }: ProgramOptions): Promise<string> {
  const path = await findProgram(program, searchPath);
  if (path !== undefined) return path;
  throw new SlipwayError('program-missing', { task, program, searchPath, package: 'attr' });
}

function failed(task: string, program: string, reason: string): SlipwayError {
  return new SlipwayError('program-failed', { task, program, reason });
}
