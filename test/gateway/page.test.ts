// SPDX-License-Identifier: Apache-2.0
// The administrators' page in a real browser.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { realImage } from '../support/images.ts';
import { mungeCommands } from '../support/munge.ts';
import { findOnPath, needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { run } from '../support/command.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const skip = needs({ commands: [...registryCommands, ...mungeCommands, 'chromium'], root: true });

/** A browser on a machine that does much else. */
const patienceMs = 300_000;

describe('the page', { skip }, () => {
  let gateway: TestGateway;
  before(async () => {
    const registry = await startRegistry();
    await pushImage({ layout: await realImage('busybox'), tag: 'latest' }, `${registry.address}/busybox:1`);
    gateway = await startGateway({ locations: { [registry.address]: { remotetype: 'dockerv2' } } });
    assert.equal((await gateway.shifterimg(['pull', 'busybox:1'])).status, 0);
    assert.equal((await gateway.shifterimg(['pull', 'nosuch:1'])).status, 1);
  });

  test('is for administrators, who get a link', async () => {
    const user = await acquireTestUser();
    const env = { SLIPWAY_UDIROOT_CONF: gateway.udiRootPath, SLIPWAY_MUNGE_SOCKET: gateway.munge.socket };
    const refused = await user.run([`${user.prefix}/bin/slipway`, 'gateway', 'ui'], { env });
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /the page is for administrators/);
    for (const path of ['/ui', '/ui/', '/ui/data', '/ui/page.js', '/ui/enter?pass=x.y']) {
      assert.equal((await gateway.fetch(path)).status, 403, path);
    }
  });

  test('shows images, pulls, and why one failed', async () => {
    const home = temporaryDirectory();
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: home,
      XDG_RUNTIME_DIR: home,
      SLIPWAY_UDIROOT_CONF: gateway.udiRootPath,
      SLIPWAY_MUNGE_SOCKET: gateway.munge.socket,
    };
    const link = await run([`${await slipwayPrefix()}/bin/slipway`, 'gateway', 'ui'], { env });
    assert.equal(link.status, 0, link.stderr);
    assert.match(link.stdout, /^http:\/\/127\.0\.0\.1:\d+\/ui\/enter\?pass=\S+\n$/);

    const browser = await chromium.launch({
      executablePath: findOnPath('chromium') ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage'],
      env: { PATH: '/usr/bin:/bin', HOME: home },
      timeout: patienceMs,
    });
    onEnd(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(patienceMs);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(link.stdout.trim());
    assert.equal(new URL(page.url()).pathname, '/ui/');
    await page.getByText('1 images, 1 pulls').waitFor();
    assert.equal(await page.locator('#system').textContent(), 'testsys');
    const image = page.locator('#images tbody tr');
    assert.equal(await image.count(), 1);
    assert.match((await image.textContent()) ?? '', /busybox:1[0-9a-f]{12}\d+(?:\.\d)? [KM]iBeveryone/);
    const failed = page.locator('#pulls tbody tr.FAILURE');
    assert.match((await failed.textContent()) ?? '', /nosuch:1FAILURE.*has no repository/);
    assert.match((await page.locator('#space').textContent()) ?? '', /free in the image directory: \d/);
    await page.locator('#filter').fill('none');
    await page.getByText('0 images').waitFor();
    assert.deepEqual(problems, []);

    // What it has loaded came from the gateway alone, and another visitor has nothing of it.
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    other.setDefaultTimeout(patienceMs);
    const answer = await other.goto(`${gateway.url}/ui/`);
    assert.equal(answer?.status(), 403);
    const again = await other.goto(link.stdout.trim());
    assert.deepEqual([again?.status(), (await again?.text())?.slice(0, 17)], [403, 'This page is open']);
  });
});
