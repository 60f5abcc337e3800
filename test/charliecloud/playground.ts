// SPDX-License-Identifier: Apache-2.0
// What the command lines of these tests work on: one small image as a directory, a squashfs file and a name in the
// storage directory, with links, files and directories to mount on; made once for each of two users' homes that look
// the same, so that what one command changes the other does not see.
import { join } from 'node:path';
import { makeImages, makeSquashfs } from '../run/images.ts';
import type { TestUser } from '../support/user.ts';

/** The image's own additions, as a script in its directory. */
const furniture = `
mkdir -p bin dev etc proc sys tmp home ch mnt/0 mnt/1 opt/with.dot usr/bin srv/deep
ln -s mnt relative; ln -s /mnt absolute; ln -s nowhere broken
echo text > afile
printf 'A=of the image\\nB=$A:$HOME\\n\\nC=%s\\n' "'quoted'" > ch/environment
printf 'one' > opt/one
`;

/** Files beside the image. */
const beside = `
printf 'A=1\\nB=two words\\n' > vars
printf 'A=1\\n\\n\\nB=2' > vars-gaps
printf 'A=1\\nno delimiter\\n' > vars-bad
printf '=x\\n' > vars-nameless
printf "Q='single'\\nD=\\"double\\"\\nS='\\nE=''\\n L=blank\\n" > vars-quotes
printf 'A=1\\0B=2\\nstill B\\0' > vars0
mkdir -p src/sub store/img empty; echo from src > src/file; echo sub > src/sub/file
echo no image > notes.txt; head -c 4096 /dev/zero > zeros.sqfs
`;

export type Playground = { readonly directory: string };

/** Makes it in the user's home: `img`, `img.sqfs`, `named` in the storage directory `store`, and the files above. */
export async function makePlayground(user: TestUser): Promise<Playground> {
  const { directory } = await makeImages(user);
  const script = `mv "$1" img; cd img; ${furniture} cd ..; ${beside}
    cp -a img store/img/named+1.0; cp -a img store/img/a%b+c
    mkdir minimal; mkdir minimal/dev minimal/proc minimal/sys minimal/bin; cp img/bin/busybox minimal/bin/true 2>/dev/null || :
    echo 5 > store/version`;
  await user.runOk(['sh', '-euc', script, 'sh', directory]);
  await makeSquashfs(join(user.home, 'img'), join(user.home, 'img.sqfs'), user);
  await user.runOk(['ln', '-s', 'img.sqfs', 'linked']);
  await user.runOk(['ln', '-s', 'img', 'linked-dir']);
  await user.runOk(['ln', '-s', 'store/img/named+1.0', 'linked-named']);
  await user.runOk(['ln', '-s', 'store', 'linked-store']);
  return { directory: user.home };
}
