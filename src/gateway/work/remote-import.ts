// SPDX-License-Identifier: Apache-2.0
// Taking over a file of a remote system, by scripts for its shell (POSIX sh, coreutils). The account that ssh enters may
// read more than the user who asks, so the user's right is checked on what is opened, as sys/user-file.ts does here; then
// the open file is copied, and all else is asked of the copy, which nobody but that account can touch.
import { hashedBytes, strideBytes } from '../../sys/fast-hash.ts';
import { superblockBytes } from './import-check.ts';
import { shellWord } from './shell-word.ts';

export type RemoteImport = { readonly path: string; readonly uid: number; readonly part: string };

/** Copies `path` to `part`. Prints nothing; or `refused ` and a plain reason. */
export function copyScript({ path, uid, part }: RemoteImport): string {
  return `LC_ALL=C; export LC_ALL
path=${shellWord(path)}; uid=${uid}; part=${shellWord(part)}
refuse() { printf 'refused %s\\n' "$1"; exit 0; }
open_to() { [ $((0$2 & 0$3)) -ne 0 ] || { [ "$1" = "$uid" ] && [ $((0$2 & 0$4)) -ne 0 ]; }; }
directory=; rest=\${path#/}
while [ "$rest" != "\${rest#*/}" ]; do
  directory=$directory/\${rest%%/*}; rest=\${rest#*/}
  [ ! -L "$directory" ] || refuse "$directory is a symbolic link"
  [ -d "$directory" ] || refuse "there is no $directory"
  set -- $(stat -c '%u %a' -- "$directory")
  open_to "$1" "$2" 1 100 || refuse "you may not enter $directory"
done
[ ! -L "$path" ] || refuse 'it is a symbolic link'
[ -e "$path" ] || refuse 'there is no such file'
[ -f "$path" ] || refuse 'it is no regular file'
[ -r "$path" ] || refuse 'the gateway may not read it'
exec 3< "$path"
[ "$(readlink /proc/self/fd/3)" = "$path" ] || refuse 'it was changed meanwhile'
set -- $(stat -L -c '%u %a %F' /proc/self/fd/3)
[ "$3 $4" = 'regular file' ] || refuse 'it is no regular file'
open_to "$1" "$2" 4 400 || refuse 'you may not read it'
umask 077
cat <&3 > "$part" || { rm -f "$part"; exit 1; }`;
}

/** Prints the size of `part`, its superblock in hexadecimal digits, and Shifter's pseudo-hash, a line each. */
export function examineScript({ part }: Pick<RemoteImport, 'part'>): string {
  const word = shellWord(part);
  return `part=${word}
size=$(wc -c < "$part") && echo "$size" || exit 1
head -c ${superblockBytes} "$part" | od -An -v -tx1 | tr -d ' \\n'; echo
at=0
while :; do
  dd if="$part" bs=${hashedBytes} skip=$((at / ${hashedBytes})) count=1 2>/dev/null
  [ $((size - at)) -ge ${hashedBytes} ] || break
  at=$((at + ${strideBytes}))
done | sha256sum | cut -c1-64`;
}

/** What `examineScript` has printed. @throws Error where that is something else */
export function readExamination(text: string): {
  readonly sizeBytes: number;
  readonly superblock: Buffer;
  readonly id: string;
} {
  const [, size, superblock = '', id] = /^\s*(\d{1,15})\n((?:[0-9a-f]{2})*)\n([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (size === undefined || id === undefined) throw new Error('the other side has not said what the file is');
  return { sizeBytes: Number(size), superblock: Buffer.from(superblock, 'hex'), id };
}

/** Why a path can't be taken as it is. Its characters are the API's care. */
export function pathFault(path: string): string | undefined {
  const parts = path.slice(1).split('/');
  const isPlain = path.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return isPlain ? undefined : 'it has to be an absolute path without . and ..';
}
