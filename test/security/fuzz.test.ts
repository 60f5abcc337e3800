// SPDX-License-Identifier: Apache-2.0
// The fuzzers' corpora, replayed: every input that ever mattered, and plans as today's planner encodes them. Looking for
// new ones is native/fuzz/run.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, suite, test } from 'node:test';
import { encodePlan } from '../../src/plan/index.ts';
import { type CommandResult, run } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { buildNative } from './build-native.ts';
import { samplePlans, unnamedBuild } from './sample-plans.ts';

const corpus = resolve(import.meta.dirname, '../../native/fuzz/corpus');

suite('the fuzzers', { skip: needs({ commands: ['clang', 'make', 'flock'] }) }, () => {
  let built: string;
  let scratch: string;
  before(async () => {
    built = await buildNative('fuzzers');
    scratch = temporaryDirectory();
  });

  const fuzz = (
    fuzzer: string,
    words: readonly string[],
    variables: Record<string, string> = {},
  ): Promise<CommandResult> =>
    run([join(built, fuzzer), `-artifact_prefix=${scratch}/`, '-timeout=60', ...words], {
      env: { PATH: process.env['PATH'] ?? '', ASAN_OPTIONS: 'detect_leaks=0:quarantine_size_mb=16', ...variables },
      timeoutMs: 300_000,
    });
  const passes = ({ status, stderr }: CommandResult): void => assert.equal(status, 0, stderr.slice(-6000));

  test('accept what the planner writes, and carry it out as far as it goes without a kernel', async () => {
    const seeds = join(scratch, 'seeds');
    mkdirSync(seeds);
    for (const [name, plan] of Object.entries(samplePlans)) {
      writeFileSync(join(seeds, name), encodePlan(plan, unnamedBuild, 1_700_000_000_000_000_000n));
    }
    passes(await fuzz('plan-fuzzer', ['-runs=0', seeds], { SLIPWAY_FUZZ_ACCEPTED: '1' }));
  });

  test('refuse damage, so that the test above can fail', async () => {
    const damaged = join(scratch, 'damaged');
    mkdirSync(damaged);
    const { bare } = samplePlans;
    assert.ok(bare);
    // Without its EXEC a plan ends nowhere.
    writeFileSync(join(damaged, 'bare'), encodePlan({ ...bare, steps: [] }, unnamedBuild, 0n));
    const { status, stderr } = await fuzz('plan-fuzzer', ['-runs=0', damaged], { SLIPWAY_FUZZ_ACCEPTED: '1' });
    assert.notEqual(status, 0);
    assert.match(stderr, /does not hold: .*accepted/);
  });

  for (const fuzzer of ['plan', 'resolve', 'json']) {
    test(`hold for the corpus of the ${fuzzer} fuzzer, and for 5,000 changes to it`, async () => {
      const [seeds, found] = [join(corpus, fuzzer), join(scratch, fuzzer)];
      assert.ok(readdirSync(seeds).length > 0);
      mkdirSync(found);
      passes(await fuzz(`${fuzzer}-fuzzer`, ['-runs=5000', '-seed=1', '-max_len=4096', found, seeds]));
    });
  }
});
