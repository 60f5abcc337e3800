// SPDX-License-Identifier: Apache-2.0
// The FAQ's X11 program: an xterm of an image, run by `ch-run` without any option, on an X server whose screen is
// looked at. Xvfb keeps its screen in a file, in the format of xwd(1): XWDFile.h of X11.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { talkWith } from '../run/talk.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { startService } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';

const skip = needs({ commands: ['mmdebstrap', 'umoci', 'setpriv', 'Xvfb'], userNamespaces: true });
const paper = 0x12_34_56;
const ink = 0xfe_dc_ba;

suite('X11 programs', { skip }, async () => {
  const layout = await realImage('debian-xterm');
  const user = await acquireTestUser();
  const screens = temporaryDirectory();
  const display = join(screens, 'display');
  // It writes its number when it listens.
  const server = `exec Xvfb -displayfd 3 -screen 0 640x480x24 -ac -nolisten tcp -fbdir "$1" 3> "$1/display"`;
  await startService(['sh', '-c', server, 'sh', screens], () => /^\d+\n/.test(readIfPresent(display)), {
    timeoutMs: 120_000,
  });

  test('an xterm of an image pops up, and shows what the image says', async () => {
    await user.runOk(['ch-convert', '-q', `oci:${layout}`, './xterm']);
    const env = { DISPLAY: `:${readIfPresent(display).trim()}` };
    const colours = ['-bg', '#123456', '-fg', '#fedcba'];
    const words = ['xterm', '-geometry', '80x24', ...colours, '-e', 'sh', '-c', 'cat /etc/os-release; read -r _'];
    // As for any user: /tmp is the machine's, where the server's socket is.
    const xterm = talkWith(user, ['env', '-u', 'TMPDIR', 'ch-run', './xterm', '--', ...words], { env });
    let isOver = false;
    void xterm.end.finally(() => {
      isOver = true;
    });
    const isShown = (): boolean => {
      const counts = countColours(readFileSync(join(screens, 'Xvfb_screen0')));
      // 80 by 24 letters of at least 4 by 8 dots, and a few hundred dots of ink on them.
      return (counts.get(paper) ?? 0) > 50_000 && (counts.get(ink) ?? 0) > 500;
    };
    for (const deadline = Date.now() + 180_000; !isShown(); await delay(100)) {
      assert.ok(!isOver, 'xterm ended, and has said why');
      assert.ok(Date.now() < deadline, 'nothing is to be seen');
    }
    await user.runOk(['kill', String(xterm.pid)]);
    await xterm.end;
    // The server takes the window away when it comes to see that its program is gone.
    for (const deadline = Date.now() + 90_000; isShown(); await delay(100)) {
      assert.ok(Date.now() < deadline, 'it is not the window of this xterm');
    }
  });
});

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** How many dots of each colour a picture of 24 bits has: numbers of 32 bits, most significant byte first, in its head. */
function countColours(picture: Buffer): ReadonlyMap<number, number> {
  const head = (index: number): number => picture.readUInt32BE(4 * index);
  const [width, height, lineBytes] = [head(4), head(5), head(12)];
  const start = head(0) + head(19) * 12;
  const counts = new Map<number, number>();
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const colour = picture.readUInt32LE(start + y * lineBytes + x * 4) & 0xff_ff_ff;
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
  }
  return counts;
}
